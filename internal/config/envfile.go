package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// envValue is a variable of an env-file.
type envValue struct {
	raw   string
	where string // file:line
}

// readEnvFiles reads all env-files into one map, later files over earlier ones.
func (l *loader) readEnvFiles() {
	for _, path := range l.in.EnvFiles {
		path = absolute(l.site.dir, path)
		l.out.EnvFiles = append(l.out.EnvFiles, path)
		data, err := readText(path)
		if err != nil {
			l.errs = append(l.errs, fmt.Errorf("cannot use the env-file %s: %w", path, err))
			continue
		}
		l.out.Sums[path] = sha256.Sum256(data)
		l.errs = append(l.errs, parseEnvFile(path, string(data), l.envFiles)...)
	}
}

// parseEnvFile adds the variables of text to into. Like a shell, it lets the
// last line of a variable win; unlike one, it expands nothing.
func parseEnvFile(path, text string, into map[string]envValue) []error {
	var errs []error
	text = strings.TrimPrefix(text, "\ufeff")
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s:%d", path, number)
		key, raw, err := splitEnvLine(line)
		if err != nil {
			// The line may hold a secret, so it is not repeated.
			errs = append(errs, fmt.Errorf("%s: cannot read this line: %w; write KEY=VALUE", where, err))
			continue
		}
		into[key] = envValue{raw: raw, where: where}
	}
	return errs
}

func splitEnvLine(line string) (key, value string, err error) {
	if rest, ok := strings.CutPrefix(line, "export"); ok && strings.TrimLeft(rest, " \t") != rest {
		line = strings.TrimSpace(rest)
	}
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return "", "", errors.New("it has no =")
	}
	if !isEnvName(key) {
		return "", "", errors.New("the part before = is not a variable's name")
	}
	value, err = unquote(strings.TrimSpace(value))
	return key, value, err
}

func isEnvName(key string) bool {
	if key == "" || key[0] >= '0' && key[0] <= '9' {
		return false
	}
	return strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// unquote takes quotes and a trailing comment off. Single quotes keep
// everything; in double quotes a backslash keeps the next character.
func unquote(value string) (string, error) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		// A # begins a comment only after a space: URLs have it inside.
		for i := range len(value) {
			if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
				return strings.TrimSpace(value[:i]), nil
			}
		}
		return value, nil
	}
	mark := value[0]
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; {
		case c == mark:
			rest := strings.TrimSpace(value[i+1:])
			if rest != "" && rest[0] != '#' {
				return "", errors.New("there is text after the closing quote")
			}
			return b.String(), nil
		case c == '\\' && mark == '"' && i+1 < len(value):
			i++
			b.WriteByte(value[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("the closing quote is missing")
}
