package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Bind is one address of the setting bind, taken apart.
type Bind struct {
	Network string // tcp, unix or fd
	Address string // host:port, a path, or the number or name of a passed descriptor
	Unix    UnixFile
}

// ParseBind takes an address apart. It looks nothing up, neither hosts nor users.
func ParseBind(addr string) (Bind, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return parseUnix(path)
	}
	if name, ok := strings.CutPrefix(addr, "fd://"); ok {
		if name == "" {
			return Bind{}, errors.New("after fd:// comes the number or the name of a descriptor, as in fd://3")
		}
		return Bind{Network: "fd", Address: name}, nil
	}
	if scheme, rest, ok := strings.Cut(addr, "://"); ok {
		return Bind{}, fmt.Errorf("it begins with %s://, write %s", scheme, rest)
	}
	if _, err := strconv.ParseUint(addr, 10, 64); err == nil {
		return Bind{}, fmt.Errorf("it is a port without a colon, write :%s", addr)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return Bind{}, explainHostPort(addr)
	}
	if n, err := strconv.ParseUint(port, 10, 64); err != nil || n > 65535 {
		return Bind{}, fmt.Errorf("the port %q is not a number from 0 to 65535", port)
	}
	if host == "*" {
		return Bind{}, fmt.Errorf("for all interfaces write :%s", port)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`/@\`, r) }) {
		return Bind{}, fmt.Errorf("%q is not a host name", host)
	}
	return Bind{Network: "tcp", Address: addr}, nil
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
		if _, err := ParseBind(addr); err != nil {
			return nil, err
		}
		if slices.Contains(all, addr) && !strings.HasSuffix(addr, ":0") {
			return nil, fmt.Errorf("%s is given twice", addr)
		}
		all = append(all, addr)
	}
	return all, nil
}
