package config

// Proxy says whose word about a client's address is taken.
type Proxy struct {
	Protocol     bool     // the peers in AllowIPs begin a connection with a PROXY header
	AllowIPs     Networks // for Protocol
	ForwardedIPs Networks // whose X-Forwarded-For and X-Forwarded-Proto count
}

// tableProxy has the settings of a service behind load balancers.
func tableProxy() []Setting {
	return []Setting{
		{
			Name: "proxy_protocol", Env: "PROXY_PROTOCOL", YAML: "server.proxy_protocol", Flag: "proxy-protocol",
			Kind: KindBool, Default: "false", Group: GroupServer, Class: Rolling,
			Help:    "peers in proxy_allow_ips begin each connection with a PROXY header, version 1 or 2",
			Why:     "A balancer that passes TCP on says so who the client is. A peer in the list that sends none is refused, any other peer's address is its own.",
			Example: "true",
			at:      func(s *Settings) any { return &s.Proxy.Protocol },
		},
		{
			Name: "proxy_allow_ips", Env: "PROXY_ALLOW_IPS", YAML: "server.proxy_allow_ips", Flag: "proxy-allow-ips",
			Kind: KindNetworks, Default: "127.0.0.1,::1", Group: GroupServer, Class: Rolling,
			Help:    "addresses and networks of the balancers that send PROXY headers; * is every peer",
			Why:     "The name and the default are Gunicorn's. Peers on a unix socket count as trusted.",
			Example: "10.0.0.0/8",
			at:      func(s *Settings) any { return &s.Proxy.AllowIPs },
		},
		{
			Name: "forwarded_allow_ips", Env: "FORWARDED_ALLOW_IPS", YAML: "server.forwarded_allow_ips", Flag: "forwarded-allow-ips",
			Kind: KindNetworks, Default: "127.0.0.1,::1", Group: GroupServer, Class: Rolling,
			Help:    "addresses and networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto count; * is every peer",
			Why:     "The name and the default are Gunicorn's. The client is the last address in X-Forwarded-For that is not in this list.",
			Example: "10.0.0.0/8,fd00::/8",
			at:      func(s *Settings) any { return &s.Proxy.ForwardedIPs },
		},
	}
}
