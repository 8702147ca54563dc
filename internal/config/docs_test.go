package config

import (
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite configs/webchasor.yaml")

const samplePath = "../../configs/webchasor.yaml"

func TestSampleFileIsGenerated(t *testing.T) {
	if *update {
		if err := os.WriteFile(samplePath, []byte(SampleYAML()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != SampleYAML() {
		t.Error("configs/webchasor.yaml is not what the table says: run go test ./internal/config -run Sample -update")
	}
}

// TestSampleFileIsTheDefaults loads it: every key is set by it, to the default.
func TestSampleFileIsTheDefaults(t *testing.T) {
	got := mustLoad(t, Input{File: write(t, "c.yaml", SampleYAML()), CPUs: 2, Dir: "/"})
	want := mustLoad(t, Input{CPUs: 2})
	if !reflect.DeepEqual(got.Settings, want.Settings) {
		t.Errorf("got  %+v\nwant %+v", got.Settings, want.Settings)
	}
	for _, s := range Table() {
		if from := got.Origins[s.Name]; from.Kind != FromFile {
			t.Errorf("%s is not in the sample file: %s", s.YAML, from)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for _, s := range Table() {
		variable := "`" + s.Env + "`"
		if s.Kind == KindSection {
			variable = "file only"
		}
		if !strings.Contains(Markdown(), "| `"+s.YAML+"` | "+variable+" |") {
			t.Errorf("%s is not in the table", s.Name)
		}
	}
	got, err := ReplaceMarkdown("before\n" + DocBegin + "\nold\n" + DocEnd + "\nafter\n")
	if want := "before\n" + DocBegin + "\n" + Markdown() + DocEnd + "\nafter\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	for _, broken := range []string{"nothing", DocBegin, DocEnd + DocBegin} {
		if _, err := ReplaceMarkdown(broken); err == nil {
			t.Errorf("%q is accepted", broken)
		}
	}
}
