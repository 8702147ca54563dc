package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Privileges say as whom the workers run. The master stays who started it.
type Privileges struct {
	User, Group string // names or numbers; "" is the master's own
	Umask       string // three or four octal digits; "" leaves it as it is
	NoNewPrivs  bool
}

// tablePrivileges has the settings of users and rights.
func tablePrivileges() []Setting {
	return []Setting{
		{
			Name: "user", Env: "WEB_USER", YAML: "server.user", Flag: "user", Short: "u",
			Kind: KindText, Default: "", Off: true, Group: GroupServer, Class: Upgrade,
			Help:    "user that the workers run as, a name or a number; needs a start as root",
			Why:     "The master stays root: it binds low ports, also after an upgrade, and no worker can signal it or read its memory.",
			Example: "www-data",
			at:      func(s *Settings) any { return &s.Privileges.User },
		},
		{
			Name: "group", Env: "WEB_GROUP", YAML: "server.group", Flag: "group", Short: "g",
			Kind: KindText, Default: "", Off: true, Group: GroupServer, Class: Upgrade,
			Help:    "group of the workers instead of the user's own; the user's further groups come with it",
			Why:     "Needed where user is a number that no user has.",
			Example: "www-data",
			at:      func(s *Settings) any { return &s.Privileges.Group },
		},
		{
			Name: "umask", Env: "WEB_UMASK", YAML: "server.umask", Flag: "umask", Short: "m",
			Kind: KindMode, Default: "", Off: true, Group: GroupServer, Class: Upgrade,
			Help:    "rights that new files and sockets of master and workers do not get, in octal; off leaves it as it was",
			Why:     "It is in force before the first file or socket is made.",
			Example: "0027",
			at:      func(s *Settings) any { return &s.Privileges.Umask },
		},
		{
			Name: "no_new_privs", Env: "NO_NEW_PRIVS", YAML: "server.no_new_privs", Flag: "no-new-privs",
			Kind: KindBool, Default: "true", Group: GroupServer, Class: Rolling,
			Help:    "workers, and what they start, can gain no rights by executing a program",
			Why:     "With false a worker may use sudo, and other programs with the set-user-id bit or capabilities of their own.",
			Example: "false",
			at:      func(s *Settings) any { return &s.Privileges.NoNewPrivs },
		},
	}
}

// mode reads an octal number of at most 0777; "" and off are none.
func (s Setting) mode(raw string) (string, error) {
	if s.Off && (raw == "" || strings.EqualFold(raw, "off")) {
		return "", nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(raw, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return "", errors.New("it is not an octal number from 0 to 0777")
	}
	return fmt.Sprintf("%04o", n), nil
}
