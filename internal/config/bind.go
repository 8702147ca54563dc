package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// unixPathMax is what fits into sun_path with its NUL (unix(7): 108 bytes on
// Linux; darwin has 104, the smaller one keeps files portable).
const unixPathMax = 103

// ParseBind splits one address of the setting bind into what [net.Listen]
// takes: "tcp" with host:port, or "unix" with a path. It does not resolve names.
func ParseBind(addr string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return parseUnix(path)
	}
	if scheme, rest, ok := strings.Cut(addr, "://"); ok {
		return "", "", fmt.Errorf("it begins with %s://, write %s", scheme, rest)
	}
	if _, err := strconv.ParseUint(addr, 10, 64); err == nil {
		return "", "", fmt.Errorf("it is a port without a colon, write :%s", addr)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", "", explainHostPort(addr)
	}
	if n, err := strconv.ParseUint(port, 10, 64); err != nil || n > 65535 {
		return "", "", fmt.Errorf("the port %q is not a number from 0 to 65535", port)
	}
	if host == "*" {
		return "", "", fmt.Errorf("for all interfaces write :%s", port)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`/@\`, r) }) {
		return "", "", fmt.Errorf("%q is not a host name", host)
	}
	return "tcp", addr, nil
}

func parseUnix(path string) (network, address string, err error) {
	switch {
	case path == "":
		return "", "", errors.New("the path after unix: is missing")
	case path[0] == '@':
		return "", "", errors.New("abstract sockets are not supported, give the path of a file")
	case len(path) > unixPathMax:
		return "", "", fmt.Errorf("the path has %d bytes and a socket's path at most %d", len(path), unixPathMax)
	}
	return "unix", path, nil
}

// explainHostPort says what keeps addr from being host:port.
func explainHostPort(addr string) error {
	switch {
	case addr == "":
		return errors.New("an address is empty")
	case strings.Count(addr, ":") > 1 && !strings.Contains(addr, "["):
		return errors.New("an IPv6 address needs brackets, write [::1]:8000")
	case !strings.Contains(addr, ":"):
		return fmt.Errorf("it has no port, write %s:8000", addr)
	}
	return errors.New("it is not an address")
}

// parseBinds reads the comma-separated list; relative socket paths start at dir.
func parseBinds(raw, dir string) ([]string, error) {
	var all []string
	for addr := range strings.SplitSeq(raw, ",") {
		addr = strings.TrimSpace(addr)
		if path, ok := strings.CutPrefix(addr, "unix:"); ok && path != "" && path[0] != '@' {
			addr = "unix:" + absolute(dir, path)
		}
		if _, _, err := ParseBind(addr); err != nil {
			return nil, err
		}
		if slices.Contains(all, addr) && !strings.HasSuffix(addr, ":0") {
			return nil, fmt.Errorf("%s is given twice", addr)
		}
		all = append(all, addr)
	}
	return all, nil
}
