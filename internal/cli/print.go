package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/config"
)

// printCommand is `config print`.
func (r *runner) printCommand() *cli.Command {
	asJSON := false
	command := r.command("print", "show every setting, its value and where it comes from", func(_ *cli.Context, load Loader) error {
		got, err := load()
		switch {
		case err != nil:
			return err
		case asJSON:
			return printJSON(r.program.Stdout, got)
		}
		return printTable(r.program.Stdout, got)
	})
	command.Flags = append(command.Flags, &cli.BoolFlag{Name: "json", Usage: "print JSON", Destination: &asJSON})
	return command
}

func printTable(out io.Writer, got *config.Resolved) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tORIGIN")
	for _, row := range got.Rows() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", row.Name, row.Value, row.Origin)
	}
	return table.Flush()
}

// jsonRow is one setting for scripts. Values are text in the form that every
// layer accepts.
type jsonRow struct {
	Name   string            `json:"name"`
	Value  string            `json:"value"`
	Origin config.OriginKind `json:"origin"`
	Where  string            `json:"where,omitempty"`
}

func printJSON(out io.Writer, got *config.Resolved) error {
	doc := struct {
		File     string    `json:"file,omitempty"`
		EnvFiles []string  `json:"env_files,omitempty"`
		Settings []jsonRow `json:"settings"`
	}{File: got.File, EnvFiles: got.EnvFiles}
	for _, row := range got.Rows() {
		doc.Settings = append(doc.Settings, jsonRow{row.Name, row.Value, row.Origin.Kind, row.Origin.Where})
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(doc)
}
