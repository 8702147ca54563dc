package console

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
)

// peerKey is where WithPeer keeps who connected.
type peerKey struct{}

type peer struct {
	uid int
	err error
}

// WithPeer remembers who connected; it is for http.Server.ConnContext. The
// credentials are those of the moment of the connect.
func WithPeer(ctx context.Context, c net.Conn) context.Context {
	p := peer{uid: -1}
	if raw, ok := c.(syscall.Conn); ok {
		p.uid, p.err = sys.PeerUID(raw)
	}
	return context.WithValue(ctx, peerKey{}, p)
}

// OwnerOnly lets owner and root through. The mode of the socket's file says the
// same; this holds also where somebody has opened it up.
func OwnerOnly(next http.Handler, owner int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(peerKey{}).(peer)
		if !ok || p.err != nil || p.uid != owner && p.uid != 0 {
			fail(w, &control.Error{
				Code:    control.CodeDenied,
				Message: "permission denied: this is for user " + strconv.Itoa(owner) + " and root, not for user " + strconv.Itoa(p.uid),
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}
