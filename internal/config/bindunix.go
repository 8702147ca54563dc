package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
)

// unixPathMax is what fits into sun_path with its NUL (unix(7): 108 bytes on
// Linux; darwin has 104, the smaller one keeps files portable).
const unixPathMax = 103

// UnixFile says who may connect to a unix socket: connecting needs the right to
// write to its file (unix(7)). Empty fields leave it to the umask and the process.
type UnixFile struct {
	Mode         fs.FileMode
	Owner, Group string // names or numbers
}

// parseUnix reads path?mode=0660&owner=www-data&group=www-data.
func parseUnix(spec string) (Bind, error) {
	path, query, _ := strings.Cut(spec, "?")
	switch {
	case path == "":
		return Bind{}, errors.New("the path after unix: is missing")
	case path[0] == '@':
		return Bind{}, errors.New("abstract sockets are not supported, give the path of a file")
	case len(path) > unixPathMax:
		return Bind{}, fmt.Errorf("the path has %d bytes and a socket's path at most %d", len(path), unixPathMax)
	}
	file, err := parseUnixFile(query)
	return Bind{Network: "unix", Address: path, Unix: file}, err
}

func parseUnixFile(query string) (f UnixFile, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return f, fmt.Errorf("cannot read %q after the path: %w", query, err)
	}
	for key, all := range values {
		value := all[len(all)-1]
		if value == "" {
			return f, fmt.Errorf("%s= after the path has no value", key)
		}
		switch key {
		case "mode":
			mode, err := strconv.ParseUint(value, 8, 32)
			if err != nil || mode == 0 || mode > 0o777 {
				return f, fmt.Errorf("the mode %q is not an octal number from 1 to 777, as in 0660", value)
			}
			f.Mode = fs.FileMode(mode)
		case "owner":
			f.Owner = value
		case "group":
			f.Group = value
		default:
			return f, fmt.Errorf("%q is not known after a socket's path; there are mode, owner, group and tls", key)
		}
	}
	return f, nil
}
