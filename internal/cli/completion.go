package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionCommand prints what a shell sources to complete command lines.
func (r *runner) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion script for a shell", ArgsUsage: "bash|zsh|fish", HideHelpCommand: true,
		OnUsageError: r.usageError,
		Action: func(c *cli.Context) error {
			name := r.program.Name
			switch shell := c.Args().First(); shell {
			case "bash", "zsh", "fish":
				script := strings.NewReplacer("PROGRAM", name, "FUNCTION", "_"+identifier(name)+"_complete").Replace(completions[shell])
				_, err := fmt.Fprint(r.program.Stdout, script)
				return err
			default:
				return fmt.Errorf("cannot complete for %q: there are bash, zsh and fish, as in %s completion bash", shell, name)
			}
		},
	}
}

// identifier makes a name that may stand in a shell function's.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// completions ask the program itself what may come next.
var completions = map[string]string{
	"bash": `# source <(PROGRAM completion bash)
FUNCTION() {
  local cur="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  local words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" "$cur" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F FUNCTION PROGRAM
`,
	"zsh": `#compdef PROGRAM
# source <(PROGRAM completion zsh)
FUNCTION() {
  local -a words_now
  words_now=("${(@f)$(_CLI_ZSH_AUTOCOMPLETE_HACK=1 ${words[1,CURRENT-1]} "${words[CURRENT]}" --generate-bash-completion 2>/dev/null)}")
  if (( ${#words_now} )) && [[ -n "${words_now[1]}" ]]; then
    _describe 'PROGRAM' words_now
  else
    _files
  fi
}
compdef FUNCTION PROGRAM
[[ ${funcstack[1]-} != _PROGRAM ]] || FUNCTION # loaded from fpath by the first Tab
`,
	"fish": `# PROGRAM completion fish | source
function FUNCTION
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  $words "$current" --generate-bash-completion 2>/dev/null
end
complete -c PROGRAM -a '(FUNCTION)'
`,
}
