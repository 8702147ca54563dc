package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// parseCase gives one setting a raw value; a want of type error text begins
// with "!".
type parseCase struct {
	setting, raw string
	want         any
}

func runParse(t *testing.T, cases []parseCase) {
	t.Helper()
	for _, c := range cases {
		s, ok := lookup(Table(), c.setting)
		if !ok {
			t.Fatalf("no setting %q", c.setting)
		}
		var got Settings
		err := s.set(&got, c.raw, testSite())
		problem, wantErr := "", false
		if text, ok := c.want.(string); ok {
			problem, wantErr = strings.CutPrefix(text, "!")
		}
		switch {
		case wantErr && (err == nil || !strings.Contains(err.Error(), problem)):
			t.Errorf("%s = %q: error %v, want %q", c.setting, c.raw, err, problem)
		case !wantErr && err != nil:
			t.Errorf("%s = %q: %v", c.setting, c.raw, err)
		case !wantErr:
			if value := reflect.ValueOf(s.at(&got)).Elem().Interface(); !reflect.DeepEqual(value, c.want) {
				t.Errorf("%s = %q: got %#v, want %#v", c.setting, c.raw, value, c.want)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	runParse(t, []parseCase{
		{"workers", "1", 1},
		{"workers", " 8 ", 8},
		{"workers", "1024", 1024},
		{"workers", "auto", 5},
		{"workers", "AUTO", 5},
		{"workers", "0", "!below the least value 1"},
		{"workers", "-3", "!negative"},
		{"workers", "1025", "!above the greatest value 1024"},
		{"workers", "1e9", "!above the greatest value 1024"},
		{"workers", "99999999999999999999", "!above the greatest value 1024"},
		{"workers", "1e400", "!above the greatest value 1024"},
		{"workers", "-1e400", "!negative"},
		{"workers", "2.5", "!not a whole number"},
		{"workers", "abc", "!not a whole number"},
		{"workers", "", "!not a whole number"},
		{"workers", "0x10", "!not a whole number"},
		{"workers", "1_000", "!not a whole number"},
		{"workers", "4 # four", "!not a whole number"},
		{"workers", "off", "!not a whole number"},
		{"workers", "\u0664", "!not a whole number"},
		{"workers", "4\x00", "!no text"},
		{"workers", "\xff", "!no text"},
		{"max_requests", "0", 0},
		{"max_requests", "off", 0},
		{"max_requests", "1e3", 1000},
		{"max_requests", "-1", "!negative"},
		{"backlog", "0", "!below the least value 1"},
		{"queue_size", "0", 0},
	})
}

func TestDurations(t *testing.T) {
	runParse(t, []parseCase{
		{"timeout", "180", 180 * time.Second},
		{"timeout", "0.5", 500 * time.Millisecond},
		{"timeout", "3m", 3 * time.Minute},
		{"timeout", "1h30m", 90 * time.Minute},
		{"timeout", "500ms", 500 * time.Millisecond},
		{"timeout", "0", time.Duration(0)},
		{"timeout", "0s", time.Duration(0)},
		{"timeout", "off", time.Duration(0)},
		{"timeout", "0.0000000001", "!below the least value 200ms"},
		{"timeout", "-1", "!negative"},
		{"timeout", "-1m", "!negative"},
		{"timeout", "25h", "!above the greatest value 24h"},
		{"timeout", "1e300", "!above the greatest value 24h"},
		{"timeout", "9999999h", "!not a duration"},
		{"timeout", "nan", "!not a duration"},
		{"timeout", "inf", "!not a duration"},
		{"timeout", "3 minutes", "!not a duration"},
		{"timeout", "", "!not a duration"},
		{"boot_timeout", "0", "!below the least value 10ms"},
		{"boot_timeout", "off", "!not a duration"},
		{"recycle_interval", "0", time.Duration(0)},
		{"queue_timeout", "0", time.Duration(0)},
	})
}

func TestSizes(t *testing.T) {
	runParse(t, []parseCase{
		{"max_memory", "off", int64(0)},
		{"max_memory", "0", int64(0)},
		{"max_memory", "0MB", int64(0)},
		{"max_memory", "134217728", int64(128 << 20)},
		{"max_memory", "256m", int64(256 << 20)},
		{"max_memory", "256M", int64(256 << 20)},
		{"max_memory", "512MB", int64(512_000_000)},
		{"max_memory", "512 MiB", int64(512 << 20)},
		{"max_memory", "512Mi", int64(512 << 20)},
		{"max_memory", "1.5GiB", int64(3 << 29)},
		{"max_memory", "1GiB", int64(1 << 30)},
		{"max_memory", "1g", int64(1 << 30)},
		{"max_memory", "2097152b", int64(2 << 20)},
		{"max_memory", "512", "!below the least value 1MiB"},
		{"max_memory", "1PB", "!not a size"},
		{"max_memory", "100TiB", "!above the greatest value 64TiB"},
		{"max_memory", "-1g", "!negative"},
		{"max_memory", "lots", "!not a size"},
		{"max_memory", "MB", "!not a size"},
		{"max_memory", "", "!not a size"},
	})
}

func TestWords(t *testing.T) {
	runParse(t, []parseCase{
		{"watch", "true", true},
		{"watch", "Yes", true},
		{"watch", "0", false},
		{"watch", "OFF", false},
		{"watch", "maybe", "!neither true nor false"},
		{"log_level", "warning", "warn"},
		{"log_level", "WARNING", "warn"},
		{"log_level", "Debug", "debug"},
		{"log_level", "critical", "error"},
		{"log_level", "loud", "!none of debug, info, warn, error"},
		{"accept", "shared", "shared"},
		{"accept", "sharded", "sharded"},
		{"accept", "fork", "!none of auto, sharded, shared"},
		{"access_log_format", "JSON", "json"},
	})
}

func TestPaths(t *testing.T) {
	runParse(t, []parseCase{
		{"pidfile", "/run/x.pid", "/run/x.pid"},
		{"pidfile", "x.pid", "/srv/app/x.pid"},
		{"pidfile", "", ""},
		{"pidfile", "off", ""},
		{"pidfile", "none", ""},
		{"pidfile", "-", "/srv/app/-"},
		{"pidfile", "a\nb", "!no text"},
		{"access_log", "-", "-"},
		{"access_log", "off", ""},
		{"access_log", "log/../access.log", "/srv/app/access.log"},
		{"log_file", "-", "-"},
		{"log_file", "", "!empty"},
		{"state_dir", "auto", "/state"},
		{"state_dir", "/var/lib/a:/var/lib/b", "/var/lib/a"},
		{"state_dir", "", "!empty"},
	})
}

func TestBind(t *testing.T) {
	long := "unix:/" + strings.Repeat("x", 120)
	runParse(t, []parseCase{
		{"bind", ":8000", []string{":8000"}},
		{"bind", "127.0.0.1:0", []string{"127.0.0.1:0"}},
		{"bind", "localhost:8000", []string{"localhost:8000"}},
		{"bind", "[::1]:8000", []string{"[::1]:8000"}},
		{"bind", "[fe80::1%eth0]:80", []string{"[fe80::1%eth0]:80"}},
		{"bind", " :8000 , unix:/run/w.sock", []string{":8000", "unix:/run/w.sock"}},
		{"bind", "unix:w.sock", []string{"unix:/srv/app/w.sock"}},
		{"bind", "unix:///run/w.sock", []string{"unix:/run/w.sock"}},
		{"bind", ":0,:0", []string{":0", ":0"}},
		{"bind", ":8443?tls", []string{":8443?tls"}},
		{"bind", "unix:w.sock?tls&mode=0660", []string{"unix:/srv/app/w.sock?tls&mode=0660"}},
		{"bind", ":8000,:8000", "!given twice"},
		{"bind", ":8000,:8000?tls", "!given twice"},
		{"bind", "https://localhost:443/", "!write localhost:443?tls"},
		{"bind", ":8443?ssl", "!not a number"},
		{"bind", "8000", "!write :8000"},
		{"bind", "localhost", "!it has no port, write localhost:8000"},
		{"bind", "::1:8000", "!needs brackets"},
		{"bind", "*:80", "!write :80"},
		{"bind", ":http", "!not a number from 0 to 65535"},
		{"bind", ":65536", "!not a number from 0 to 65535"},
		{"bind", ":-1", "!not a number from 0 to 65535"},
		{"bind", ":", "!not a number from 0 to 65535"},
		{"bind", "http://localhost:80", "!write localhost:80"},
		{"bind", "local host:80", "!not a host name"},
		{"bind", "", "!empty"},
		{"bind", ":80,", "!empty"},
		{"bind", "unix:", "!path after unix: is missing"},
		{"bind", "unix:@name", "!abstract"},
		{"bind", long, "!at most 103"},
	})
}

func TestParseBindNamesTheNetwork(t *testing.T) {
	for addr, want := range map[string]Bind{
		"[::1]:80":      {Network: "tcp", Address: "[::1]:80"},
		"[::1]:443?tls": {Network: "tcp", Address: "[::1]:443", TLS: true, Plain: "[::1]:443"},
		"fd://web?tls":  {Network: "fd", Address: "web", TLS: true, Plain: "fd://web"},
		"unix:/a?tls":   {Network: "unix", Address: "/a", TLS: true, Plain: "unix:/a"},
		"unix:/a?mode=660&tls": {
			Network: "unix", Address: "/a", Unix: UnixFile{Mode: 0o660}, TLS: true, Plain: "unix:/a?mode=660",
		},
		"unix:/a/b":           {Network: "unix", Address: "/a/b"},
		"unix:/a/b?mode=0660": {Network: "unix", Address: "/a/b", Unix: UnixFile{Mode: 0o660}},
		"unix:/a?owner=0&group=www-data": {
			Network: "unix", Address: "/a", Unix: UnixFile{Owner: "0", Group: "www-data"},
		},
		"fd://3":   {Network: "fd", Address: "3"},
		"fd://web": {Network: "fd", Address: "web"},
	} {
		if want.Plain == "" {
			want.Plain = addr
		}
		got, err := ParseBind(addr)
		if err != nil || got != want {
			t.Errorf("ParseBind(%q) = %+v, %v", addr, got, err)
		}
	}
	for addr, want := range map[string]string{
		"unix:/a?mode=999": "octal", "unix:/a?mod=660": "not known", "unix:/a?owner=": "no value", "fd://": "number or the name",
	} {
		if _, err := ParseBind(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseBind(%q): %v, want %q", addr, err, want)
		}
	}
}
