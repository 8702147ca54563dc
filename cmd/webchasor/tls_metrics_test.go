package main

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/control"
	"github.com/webchasor/webchasor/internal/testproc"
)

// The end of the certificate that clients are shown is a metric, and follows the file.
func TestCertificateExpiryIsAMetric(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, _ := startTLS(t, a, testproc.Options{Env: []string{"ADMIN_BIND=0"}})
	admin := adminOf(t, p, 0)
	shown := func() control.Certificate {
		t.Helper()
		all := mustJSON[control.Status](t, p, "status").Certificates
		if len(all) != 1 || all[0].Subject != "a.test" {
			t.Fatalf("status has the certificates %+v", all)
		}
		return all[0]
	}
	first := shown()
	if ends := scrape(t, admin)["webchasor_certificate_expiry_timestamp_seconds file="+first.File+" subject=a.test"]; ends != float64(first.Expires.Unix()) {
		t.Errorf("the metric is %f, status says %d", ends, first.Expires.Unix())
	}

	next := a.issue("a.test", 40*time.Minute)
	mark := p.Log.Mark()
	next.put(t, p.Dir, "a")
	p.WaitLog(mark, testproc.Msg(msgCertificate), "the new certificate is in use")
	second := shown()
	if !second.Expires.Equal(next.tls.Leaf.NotAfter) || second.Expires.Equal(first.Expires) {
		t.Errorf("status says that the new certificate ends %s, it ends %s", second.Expires, next.tls.Leaf.NotAfter)
	}
	all := scrape(t, admin)
	if ends := sum(all, "webchasor_certificate_expiry_timestamp_seconds"); ends != float64(second.Expires.Unix()) {
		t.Errorf("the metric is %f, the only certificate ends at %d", ends, second.Expires.Unix())
	}
	if begins := sum(all, "webchasor_certificate_begin_timestamp_seconds"); begins != float64(second.Begins.Unix()) {
		t.Errorf("the metric is %f, the certificate begins at %d", begins, second.Begins.Unix())
	}
	p.Stop(0)
}
