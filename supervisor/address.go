package supervisor

import (
	"net"
	"net/netip"
	"strconv"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/sys"
)

// addressKey is an address in one spelling, so that an upgrade recognises a
// socket whose address is written differently: :8000 and [::]:8000 are one
// socket, and what follows a unix path says who may connect, not where. Port 0
// asks for any port, so it is like no other; "" is the key of those.
func addressKey(spec string) string {
	b, err := config.ParseBind(spec)
	if err != nil {
		return ""
	}
	if b.Network != "tcp" {
		return b.Network + " " + b.Address
	}
	host, text, err := net.SplitHostPort(b.Address)
	if err != nil {
		return ""
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return ""
	}
	if host == "" {
		host = "::" // both families, as in sys.ListenTCP
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	return "tcp " + net.JoinHostPort(host, strconv.FormatUint(port, 10))
}

// reapplyAccess gives an inherited unix socket the mode and owner that its
// address asks for now.
func (m *master) reapplyAccess(s *socket) {
	b, err := config.ParseBind(s.wanted)
	if err != nil || s.Network != "unix" || s.Lent || b.Unix == (config.UnixFile{}) {
		return
	}
	access, err := accessOf(b.Unix, m.identity)
	if err == nil {
		err = sys.SetAccess(b.Address, access)
	}
	if err != nil {
		m.log.Error("cannot change who may connect to the socket; it stays as it was", zap.String("address", s.Address), zap.Error(err))
	}
}

// keepsAccept says that an inherited socket is not of the kind that is asked
// for. It cannot become it without losing its queue: a socket that was not
// bound for sharing takes no second one beside it, and members of a group that
// close reset what waits in them.
func (m *master) keepsAccept(s *socket, accept string) {
	if s.Network != "tcp" || s.Lent || s.Sharded == (accept != acceptShared) || accept == acceptAuto {
		return
	}
	is := acceptShared
	if s.Sharded {
		is = acceptSharded
	}
	m.log.Warn("accept stays as it is: an upgrade keeps the sockets and their queues", zap.String("address", s.Address),
		zap.String("is", is), zap.String("wanted", accept), zap.String("remedy", "restart the service to change accept"))
}
