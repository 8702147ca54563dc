package cli

import (
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/config"
)

// rawFlag holds what was written after a flag. Values are parsed by the
// config package only, so every layer has the same rules and messages.
type rawFlag struct {
	values []string
}

// sameFlag marks the copy that urfave/cli makes from one form of a flag to
// the other (normalizeFlags), which would look like a second value.
const sameFlag = "\x00same"

// Set adds a value; it is part of [flag.Value].
func (f *rawFlag) Set(value string) error {
	if value != sameFlag {
		f.values = append(f.values, value)
	}
	return nil
}

// String is "" so that help shows the setting's own default.
func (f *rawFlag) String() string { return "" }

// Serialize is what urfave/cli copies to a flag's other form.
func (f *rawFlag) Serialize() string { return sameFlag }

// inputs are the flags of one command.
type inputs struct {
	table    []config.Setting
	groups   []config.Group
	settings map[string]*rawFlag // by setting name
	file     rawFlag
	envFiles rawFlag
}

func newInputs(groups []config.Group) *inputs {
	in := &inputs{groups: groups, settings: map[string]*rawFlag{}, table: config.TableOf(groups)}
	for _, s := range in.table {
		in.settings[s.Name] = &rawFlag{}
	}
	return in
}

// flags describes them for urfave/cli.
func (in *inputs) flags() []cli.Flag {
	flags := []cli.Flag{in.fileFlag(), in.envFileFlag()}
	for _, s := range in.table {
		if s.Flag == "" {
			continue // in the file or the environment only
		}
		flag := &cli.GenericFlag{
			Name: s.Flag, Value: in.settings[s.Name], DefaultText: s.DefaultText(),
			Usage: s.Help + " [$" + s.Env + "]", Category: category(s.Group),
		}
		if s.Short != "" {
			flag.Aliases = []string{s.Short}
		}
		flags = append(flags, flag)
	}
	return flags
}

func (in *inputs) fileFlag() cli.Flag {
	return &cli.GenericFlag{
		Name: "config", Aliases: []string{"c"}, Value: &in.file,
		Usage: "YAML `FILE`; without it " + strings.Join(config.SearchPaths(), ", ") + ", if there is one",
	}
}

func (in *inputs) envFileFlag() cli.Flag {
	return &cli.GenericFlag{
		Name: "env-file", Value: &in.envFiles,
		Usage: "`FILE` of KEY=VALUE lines, re-read by a reload; wins over the process environment; may be repeated",
	}
}

func category(g config.Group) string {
	if g == config.GroupAPI {
		return "WebChasor API"
	}
	return "Server"
}

// loader freezes the flags, those before the command first, and the working
// directory, which must not move between two reloads.
func (r *runner) loader(more ...*inputs) Loader {
	in := r.input(more...)
	return func() (*config.Resolved, error) {
		in := in
		in.Environ = os.Environ()
		return config.Load(in)
	}
}

// input is what the flags say, with the environment of this moment.
func (r *runner) input(more ...*inputs) config.Input {
	in := config.Input{Flags: map[string]string{}, Groups: r.program.Groups}
	if dir, err := os.Getwd(); err == nil {
		in.Dir = dir
	}
	sources := more
	if r.root != nil {
		sources = append([]*inputs{r.root}, more...)
	}
	for _, s := range sources {
		s.addTo(&in)
	}
	in.Environ = os.Environ()
	return in
}

// addTo adds the flags that were given. Repeated addresses add up; of any
// other repeated flag the last one counts.
func (in *inputs) addTo(to *config.Input) {
	for _, s := range in.table {
		given := in.settings[s.Name].values
		switch {
		case len(given) == 0:
		case s.Kind == config.KindBind:
			to.Flags[s.Name] = strings.Join(given, ",")
		default:
			to.Flags[s.Name] = given[len(given)-1]
		}
	}
	if n := len(in.file.values); n > 0 {
		to.File = in.file.values[n-1]
		if to.File == "" {
			to.File = "." // an empty name is a mistake, not a wish to search
		}
	}
	to.EnvFiles = append(to.EnvFiles, in.envFiles.values...)
}
