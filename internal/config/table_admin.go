package config

import (
	"cmp"
	"errors"
	"net"
	"strconv"
	"strings"
)

// tableAdmin has the settings of the address for metrics, probes and the dashboard.
func tableAdmin() []Setting {
	return []Setting{
		{
			Name: "admin.bind", Env: "ADMIN_BIND", YAML: "admin.bind", Flag: "admin-bind",
			Kind: KindText, Default: "", Off: true, Group: GroupServer, Class: Upgrade,
			Help:    "address for metrics, probes and the dashboard, off by default; a bare port is on 127.0.0.1",
			Why:     "The master answers there, also while every worker hangs. Who reaches it may read, so keep it private.",
			Example: "9100",
			at:      func(s *Settings) any { return &s.Admin.Bind },
		},
		{
			Name: "admin.token", Env: "ADMIN_TOKEN", YAML: "admin.token",
			Kind: KindText, Default: "", Secret: true, Group: GroupServer, Class: Hot,
			Help:    "token that the dashboard's actions need; without one there are none",
			Why:     "Reload, recycle, scale, stacks and profiles on the admin address ask for it. Better in the environment than here.",
			Example: "a-long-random-word",
			at:      func(s *Settings) any { return &s.Admin.Token },
		},
		{
			Name: "admin.hosts", Env: "ADMIN_HOSTS", YAML: "admin.hosts", Flag: "admin-hosts",
			Kind: KindList, Default: "", Group: GroupServer, Class: Hot,
			Help:    "full names by which the admin address may be asked; addresses and names inside the network need none",
			Why:     "Others are refused, so that no web page can read it through a browser. Prometheus may scrape by such a name.",
			Example: "app1.example.com",
			at:      func(s *Settings) any { return &s.Admin.Hosts },
		},
	}
}

// Admin are the settings of the admin address. The token stays with the master.
type Admin struct {
	Bind  AdminBind // "" is off
	Token Secret    // "" permits nothing that changes something
	Hosts []string  // names that are answered for, beside those that are no risk
}

// AdminBind is a TCP address, host:port, of which the host may be left out
// where it is written: then it is the loopback.
type AdminBind string

func (a *AdminBind) set(raw string) error {
	if raw == "" || strings.EqualFold(raw, "off") {
		*a = ""
		return nil
	}
	if _, err := strconv.ParseUint(raw, 10, 64); err == nil {
		raw = ":" + raw
	}
	addr, err := ParseBind(raw)
	if err != nil {
		return err
	}
	if addr.Network != "tcp" {
		return errors.New("it is no TCP address, write host:port")
	}
	host, port, err := net.SplitHostPort(raw)
	if err != nil {
		return err
	}
	*a = AdminBind(net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
	return nil
}

func (a *AdminBind) text() string { return cmp.Or(string(*a), "off") }
