package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
)

// fileMax bounds a configuration file; a larger one is a mistaken path.
const fileMax = 1 << 20

// readFile finds, reads and walks the YAML file.
func (l *loader) readFile() {
	path := l.in.File
	if path == "" {
		found, err := l.search()
		if err != nil {
			l.errs = append(l.errs, err)
			return
		}
		if found == "" {
			return
		}
		path = found
	}
	path = absolute(l.site.dir, path)
	data, err := readText(path)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("cannot use the configuration file %s: %w", path, err))
		return
	}
	l.out.File = path
	l.out.Sums[path] = sha256.Sum256(data)
	values, errs := parseYAML(path, data, l.table)
	for _, v := range values {
		l.out.fromFile[v.name] = v
	}
	l.errs = append(l.errs, errs...)
}

// search returns the first of [SearchPaths] that exists. One that cannot be
// looked at is an error: silently running on defaults would be worse.
func (l *loader) search() (string, error) {
	for _, path := range SearchPaths() {
		path = absolute(l.site.dir, path)
		switch _, err := os.Stat(path); {
		case err == nil:
			return path, nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		default:
			return "", fmt.Errorf("cannot look for the configuration file: %w; make it readable or name another one with -c", err)
		}
	}
	return "", nil
}

// readText reads a small regular UTF-8 file. Its errors end in a remedy.
func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, explainRead(err)
	}
	switch {
	case info.IsDir():
		return nil, errors.New("it is a directory; name the file in it")
	case !info.Mode().IsRegular():
		// Every reload reads it again, which a pipe would not survive.
		return nil, errors.New("it is not a regular file; give a file that can be read again at a reload")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, explainRead(err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, fileMax+1))
	switch {
	case err != nil:
		return nil, explainRead(err)
	case len(data) > fileMax:
		return nil, fmt.Errorf("it is larger than %s; check the path", formatBytes(fileMax))
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, errors.New("it is UTF-16 text; save it as UTF-8")
	case !utf8.Valid(data):
		return nil, fmt.Errorf("line %d is not UTF-8 text; save it as UTF-8", invalidLine(data))
	case strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")) == "":
		return nil, errors.New("it is empty; write the settings into it or delete it")
	}
	return data, nil
}

func explainRead(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; check the path", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; let the user who runs the program read it", err)
	}
	return fmt.Errorf("%w; check the path and the file system", err)
}

// invalidLine is the first line that is not UTF-8.
func invalidLine(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 1
}
