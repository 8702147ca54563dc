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
	TLS     bool
	Plain   string // the whole address without the word tls: what a socket is known by
}

// ParseBind takes an address apart. It looks nothing up, neither hosts nor users.
// Behind a question mark there may be the word tls, and what a unix socket's file is to be.
func ParseBind(addr string) (Bind, error) {
	plain, tls := cutTLS(addr)
	b, err := parsePlain(plain)
	b.TLS, b.Plain = tls, plain
	return b, err
}

// cutTLS takes the word tls out of what stands behind the question mark.
func cutTLS(addr string) (plain string, tls bool) {
	head, query, ok := strings.Cut(addr, "?")
	if !ok {
		return addr, false
	}
	var rest []string
	for word := range strings.SplitSeq(query, "&") {
		if word == "tls" {
			tls = true
		} else {
			rest = append(rest, word)
		}
	}
	if tls && len(rest) == 0 {
		return head, true
	}
	return head + "?" + strings.Join(rest, "&"), tls
}

func parsePlain(addr string) (Bind, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return parseUnix(path)
	}
	if name, ok := strings.CutPrefix(addr, "fd://"); ok {
		if name == "" {
			return Bind{}, errors.New("after fd:// comes the number or the name of a descriptor, as in fd://3")
		}
		return Bind{Network: "fd", Address: name}, nil
	}
	if rest, ok := strings.CutPrefix(addr, "https://"); ok {
		return Bind{}, fmt.Errorf("it begins with https://, write %s?tls", strings.TrimRight(rest, "/"))
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
	var all, plain []string
	for addr := range strings.SplitSeq(raw, ",") {
		addr = strings.TrimSpace(addr)
		if path, ok := strings.CutPrefix(addr, "unix:"); ok && path != "" && path[0] != '@' {
			addr = "unix:" + absolute(dir, path)
		}
		b, err := ParseBind(addr)
		if err != nil {
			return nil, err
		}
		if slices.Contains(plain, b.Plain) && !strings.HasSuffix(b.Plain, ":0") {
			return nil, fmt.Errorf("%s is given twice", b.Plain)
		}
		all, plain = append(all, addr), append(plain, b.Plain)
	}
	return all, nil
}
