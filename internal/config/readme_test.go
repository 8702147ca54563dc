package config

import (
	"flag"
	"os"
	"testing"
)

var rewriteReadme = flag.Bool("rewrite-readme", false, "write the settings table into README.md")

// TestReadmeHasTheSettingsTable keeps the README equal to the table in code.
func TestReadmeHasTheSettingsTable(t *testing.T) {
	const path = "../../README.md"
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ReplaceMarkdown(string(have))
	if err != nil {
		t.Fatal(err)
	}
	if *rewriteReadme {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(have) != want {
		t.Error("the settings table in README.md is out of date; run: go test ./internal/config -run Readme -rewrite-readme")
	}
}
