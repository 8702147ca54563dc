package config

import (
	"maps"
	"strings"
	"testing"
)

func TestEnvFileLines(t *testing.T) {
	text := "\ufeff# comment\r\n" + `
A=1
export B=2
	C = ignored
D="two words" # comment
E='raw \n $HOME'
F="a \"quoted\" \\ word"
G=plain # comment
H=http://host/#anchor
I=
J=""
K=a=b
L=#nothing
exported=3
A=last
M=it's
`
	into := map[string]envValue{}
	errs := parseEnvFile("x.env", text, into)
	got := map[string]string{}
	for key, value := range into {
		got[key] = value.raw
	}
	want := map[string]string{
		"A": "last", "B": "2", "D": "two words", "E": `raw \n $HOME`, "F": `a "quoted" \ word`, "G": "plain",
		"H": "http://host/#anchor", "I": "", "J": "", "K": "a=b", "L": "", "exported": "3", "M": "it's",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if into["A"].where != "x.env:16" {
		t.Errorf("A is at %s", into["A"].where)
	}
	if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "x.env:5: cannot read this line: the part before = is not a variable's name") {
		t.Errorf("errors: %v", errs)
	}
}

func TestEnvFileMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"WEB_WORKERS":     "it has no =",
		"=4":              "not a variable's name",
		"1A=4":            "not a variable's name",
		"A-B=4":           "not a variable's name",
		`A="open`:         "the closing quote is missing",
		`A='open`:         "the closing quote is missing",
		`A="x\"`:          "the closing quote is missing",
		`A="x" y`:         "text after the closing quote",
		"export":          "it has no =",
		"export A":        "it has no =",
		"SECRET \"s3cr3t": "it has no =",
	} {
		errs := parseEnvFile("x.env", line, map[string]envValue{})
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) || strings.Contains(errs[0].Error(), "s3cr3t") {
			t.Errorf("%q: %v, want %q", line, errs, want)
		}
	}
}

func TestLaterEnvFileWins(t *testing.T) {
	a, b := write(t, "a.env", "BACKLOG=1\nWEB_WORKERS=3\n"), write(t, "b.env", "BACKLOG=2\nWEB_WORKERS=\n")
	got := mustLoad(t, Input{EnvFiles: []string{a, b}, Environ: []string{"BACKLOG=9", "WEB_WORKERS=7"}})
	if got.Settings.Backlog != 2 || got.Settings.Workers != 7 {
		t.Errorf("backlog %d, workers %d: want the last file's 2, and 7 because an empty value is not set",
			got.Settings.Backlog, got.Settings.Workers)
	}
}
