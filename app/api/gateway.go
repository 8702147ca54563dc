package api

import (
	"time"

	"github.com/webchasor/webchasor/app/api/keys"
	"github.com/webchasor/webchasor/app/api/upstream"
	"github.com/webchasor/webchasor/internal/config"
)

// silence is how long an upstream may say nothing when only the server's own
// timeout is set, and when that is off. It is a little shorter, so that the
// client is told which of its waits it was.
func silence(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return 10 * time.Minute
	}
	return timeout / 10 * 9
}

// routerConfig translates the settings; timeout is the server's.
func routerConfig(s config.OpenAI, timeout time.Duration) upstream.Config {
	c := upstream.Config{
		Retries:  s.Retries,
		Ejection: upstream.Ejection{Failures: s.EjectAfter, Time: s.EjectionTime, MaxTime: max(5*time.Minute, s.EjectionTime)},
	}
	for _, u := range s.All() {
		to := upstream.Upstream{
			Name: u.Name, BaseURL: u.BaseURL, APIKey: u.APIKey.Reveal(),
			Headers: u.Headers, Forward: u.ForwardHeaders, CAFile: u.CAFile, Priority: u.Priority, Weight: u.Weight,
			Timeouts: upstream.Timeouts{Connect: u.ConnectTimeout, FirstByte: u.FirstByteTimeout, BetweenBytes: u.BetweenBytesTimeout},
		}
		if to.Timeouts.FirstByte == 0 {
			to.Timeouts.FirstByte = silence(timeout)
		}
		if to.Timeouts.BetweenBytes == 0 {
			to.Timeouts.BetweenBytes = silence(timeout)
		}
		for _, m := range u.Models {
			to.Routes = append(to.Routes, upstream.Route{Match: m})
		}
		if len(u.Models) == 0 && len(u.Rename) > 0 {
			to.Routes = append(to.Routes, upstream.Route{Match: "*"})
		}
		for from, name := range u.Rename {
			to.Routes = append(to.Routes, upstream.Route{Match: from, Rename: name})
		}
		c.Upstreams = append(c.Upstreams, to)
	}
	return c
}

// ringOf has the client keys of the settings.
func ringOf(list []config.ClientKey) (*keys.Ring, error) {
	r := keys.New()
	for _, k := range list {
		if err := r.Add(keys.Key{Name: k.Name, Models: k.Models}, k.SHA256); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// servesEcho says whether the built-in model is offered.
func servesEcho(s config.API) bool {
	switch s.Echo.Enabled {
	case "true":
		return true
	case "false":
		return false
	default:
		return len(s.OpenAI.All()) == 0
	}
}
