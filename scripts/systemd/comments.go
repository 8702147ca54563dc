package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// dropIn is read after everything else of the unit.
const dropIn = "/etc/systemd/system/webchasor.service.d/zz.conf"

// comments tries what the unit's comments say of addresses that need more than it grants.
func comments(s *stage) {
	const both = "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
	const users, chown = "PrivateUsers=no\n", "SystemCallFilter=@chown\n"
	const adm = "SupplementaryGroups=adm\n"
	s.linkLocal()
	for _, tt := range []struct {
		bind, grants string
		refused      string // a word of the reason; "" starts
	}{
		{":80", "", "permission denied"},
		{":80", both, "permission denied"},
		{":80", "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" + users, "permission denied"},
		{":80", both + users, ""},
		{"unix:" + unixPath + "?mode=0666", "", ""},
		{"unix:" + unixPath + "?group=adm", "", "operation not permitted"},
		{"unix:" + unixPath + "?group=adm", adm + users, "operation not permitted"},
		{"unix:" + unixPath + "?group=adm", adm + chown, "invalid argument"},
		{"unix:" + unixPath + "?group=adm", adm + chown + users, ""},
		{"[fe80::1%lo]:8000", "", "address family not supported"},
		{"[fe80::1%lo]:8000", "RestrictAddressFamilies=AF_NETLINK\n", ""},
	} {
		s.write(configFile, common+"  bind: \""+tt.bind+"\"\n")
		s.write(dropIn, "[Service]\nRestart=no\n"+tt.grants)
		s.systemctl("daemon-reload")
		out, err := exec.Command("systemctl", "start", unit).CombinedOutput()
		switch {
		case tt.refused == "" && err != nil:
			s.Errorf("%s with %q: %v: %s%s", tt.bind, tt.grants, err, out, s.lastWords())
		case tt.refused != "" && (err == nil || !strings.Contains(s.lastWords(), tt.refused)):
			s.Errorf("%s with %q: want %s, got %v: %s", tt.bind, tt.grants, tt.refused, err, s.lastWords())
		}
		s.systemctl("stop", unit)
		s.systemctl("reset-failed")
	}
	if err := os.Remove(dropIn); err != nil {
		s.Errorf("%v", err)
	}
	s.groupOfASocketUnit()
}

// groupOfASocketUnit: systemd gives its own socket to a group without any of that.
func (s *stage) groupOfASocketUnit() {
	const path = "/run/web.sock"
	where := "/etc/systemd/system/webchasor.socket.d/path.conf"
	if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
		s.Fatalf("%v", err)
	}
	s.write(where, "[Socket]\nListenStream=\nListenStream="+path+"\nSocketGroup=adm\nSocketMode=0660\n")
	s.write(configFile, common)
	s.systemctl("daemon-reload")
	s.systemctl("start", "webchasor.socket")
	s.expectOKAt("unix", path)
	out, err := exec.Command("stat", "-c", "%a %G", path).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != "660 adm" {
		s.Errorf("the socket of the .socket unit is %q, %v", got, err)
	}
	s.systemctl("stop", "webchasor.socket", unit)
}

// lastWords are the latest lines of the service.
func (s *stage) lastWords() string {
	out, err := exec.Command("journalctl", "-u", unit, "-n", "5", "-o", "cat", "--no-pager").Output()
	if err != nil {
		s.Fatalf("journalctl: %v", err)
	}
	return string(out)
}

// linkLocal gives the loopback interface, which is number 1, an address with a zone; the
// container has no ip(8). SIOCSIFADDR of an IPv6 socket takes an in6_ifreq (<linux/ipv6.h>).
func (s *stage) linkLocal() {
	request := struct {
		address [16]byte
		prefix  uint32
		index   int32
	}{[16]byte{0: 0xfe, 1: 0x80, 15: 1}, 64, 1}
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
	if err != nil {
		s.Fatalf("%v", err)
	}
	defer syscall.Close(fd)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFADDR, uintptr(unsafe.Pointer(&request))); errno != 0 {
		s.Fatalf("cannot add an address: %v", errno)
	}
}
