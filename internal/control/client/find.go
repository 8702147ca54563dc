package client

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Find returns the one socket among the places at which a master listens.
// Beside an automatic place there may be those of further instances. The error is
// [ErrNoMaster], or names the sockets to choose from.
func Find(places []string) (string, error) {
	var live, tried []string
	for _, place := range places {
		candidates := []string{place}
		if filepath.Base(place) == "control.sock" {
			more, _ := filepath.Glob(filepath.Join(filepath.Dir(place), "control-*.sock"))
			candidates = append(candidates, more...)
		}
		for _, path := range candidates {
			if slices.Contains(tried, path) {
				continue
			}
			tried = append(tried, path)
			if listens(path) {
				live = append(live, path)
			}
		}
	}
	switch len(live) {
	case 1:
		return live[0], nil
	case 0:
		return "", fmt.Errorf("cannot find a control socket (looked for %s): %w; is the service running? --socket names another place", strings.Join(tried, ", "), ErrNoMaster)
	}
	return "", fmt.Errorf("cannot choose between several instances: name one with --socket: %s", strings.Join(live, ", "))
}

func listens(path string) bool {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return errors.Is(err, syscall.EACCES) // somebody else's service, and the call says so
	}
	_ = conn.Close()
	return true
}
