package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/control/client"
)

// askWord is the last word by which the scripts of `completion` ask what may come
// next. Before it stand the words so far; the last of them is the one begun, "" if none is.
const askWord = "--generate-bash-completion"

// completeIn bounds what a press of Tab may wait for the running service.
const completeIn = 500 * time.Millisecond

// completion is a command line that is not finished.
type completion struct {
	command *cli.Command // nil before there is one
	flags   []cli.Flag
	path    string // of the command, as in "deaths show"
	args    int    // arguments before the word to complete
	value   string // the flag whose value is to come
	socket  string
	config  string
}

// complete prints what may come next, one a line; nothing lets the shell offer files.
func (r *runner) complete(app *cli.App, words []string) {
	begun := ""
	if n := len(words); n > 0 {
		begun, words = words[n-1], words[:n-1]
	}
	offer := func(word, usage string) {
		if strings.HasPrefix(word, begun) {
			r.offer(word, usage)
		}
	}
	c := parse(app, words)
	switch {
	case c.value != "": // a file, a time, ...
		return
	case strings.HasPrefix(begun, "-"):
		for _, name := range flagWords(c.flags) {
			offer(name, "")
		}
	case c.args == 0:
		commands := app.Commands
		if c.command != nil {
			commands = c.command.Subcommands
		}
		for _, sub := range commands {
			if !sub.Hidden {
				offer(sub.Name, sub.Usage)
			}
		}
	}
	for _, value := range r.values(c) {
		offer(value, "")
	}
}

// offer prints one word; zsh shows what it is for.
func (r *runner) offer(word, usage string) {
	if usage != "" && os.Getenv("_CLI_ZSH_AUTOCOMPLETE_HACK") == "1" {
		word += ":" + usage
	}
	fmt.Fprintln(r.program.Stdout, word)
}

// parse follows the words to the command, and counts its arguments. Bash makes two words and
// a "=" of --flag=value.
func parse(app *cli.App, words []string) completion {
	c := completion{flags: app.Flags}
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case strings.HasPrefix(word, "-") && len(word) > 1 && (word[1] < '0' || word[1] > '9'):
			name, value, joined := strings.Cut(word, "=")
			if joined || !takesValue(&cli.Command{Flags: c.flags}, name) {
				c.given(name, value)
				continue
			}
			if i+1 < len(words) && words[i+1] == "=" {
				i++
			}
			if i+1 == len(words) {
				c.value = name
				return c
			}
			i++
			c.given(name, words[i])
		case c.command == nil:
			if sub := app.Command(word); sub != nil {
				c.enter(sub)
			} else {
				c.args++
			}
		default:
			if sub := subcommand(c.command, word); sub != nil && c.args == 0 {
				c.enter(sub)
			} else {
				c.args++
			}
		}
	}
	return c
}

func (c *completion) enter(sub *cli.Command) {
	c.command, c.flags = sub, sub.Flags
	c.path = strings.TrimSpace(c.path + " " + sub.Name)
}

// given notes the flags that say which service is meant.
func (c *completion) given(flag, value string) {
	switch strings.TrimLeft(flag, "-") {
	case "socket", "s":
		c.socket = value
	case "config", "c":
		c.config = value
	}
}

// flagWords are all forms of flags, the long ones first.
func flagWords(flags []cli.Flag) (all []string) {
	var short []string
	for _, name := range flagNames(flags) {
		if len(name) > 1 {
			all = append(all, "--"+name)
		} else {
			short = append(short, "-"+name)
		}
	}
	return append(all, short...)
}

// values are the arguments that a command can have in this place.
func (r *runner) values(c completion) []string {
	at := c.path + " " + strconv.Itoa(c.args)
	switch at {
	case "recycle 0":
		return append([]string{"all"}, r.slots(c)...)
	case "stacks 0", "profile 0":
		return r.slots(c)
	case "profile 1":
		return []string{"cpu", "heap", "goroutine", "trace"}
	case "log-level 0":
		return []string{"debug", "info", "warn", "error"}
	case "scale 0":
		return []string{"+1", "-1"}
	case "deaths show 0":
		return append([]string{"last"}, r.deathIDs(c)...)
	case "completion 0":
		return []string{"bash", "zsh", "fish"}
	}
	return nil
}

// service is the one that the words mean, if it answers.
func (r *runner) service(c completion, ask func(ctx context.Context, m *client.Client) error) {
	path := c.socket
	if path == "" {
		path = os.Getenv("WEBCHASOR_SOCKET")
	}
	if path == "" {
		t := &target{inputs: newInputs(r.program.Groups)}
		if c.config != "" {
			_ = t.file.Set(c.config)
		}
		var err error
		if path, err = client.Find(r.places(t)); err != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeIn)
	defer cancel()
	_ = ask(ctx, client.New(path)) // without it there is less to offer
}

func (r *runner) slots(c completion) (all []string) {
	r.service(c, func(ctx context.Context, m *client.Client) error {
		s, err := m.Status(ctx)
		for _, w := range s.Workers {
			if slot := strconv.Itoa(w.Slot); w.State != control.StateAbsent && !slices.Contains(all, slot) {
				all = append(all, slot)
			}
		}
		return err
	})
	return all
}

func (r *runner) deathIDs(c completion) (all []string) {
	r.service(c, func(ctx context.Context, m *client.Client) error {
		d, err := m.Deaths(ctx)
		for _, one := range d.Deaths {
			all = append(all, one.ID)
		}
		return err
	})
	return all
}
