package upstream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Model is one model that a client may ask for.
type Model struct {
	ID       string          // what clients call it
	Upstream string          // whose it is
	Raw      json.RawMessage // the upstream's own description, with its own id; nil for one that only the configuration names
}

const (
	catalogFresh = time.Minute
	catalogLimit = 10 * time.Second
	maxCatalog   = 8 << 20
)

// catalog keeps what the upstreams said about their models.
type catalog struct {
	mu     sync.Mutex
	asking chan struct{} // closed at the end of the round that is under way; nil when none is
	at     time.Time
	models []Model
	lists  [][]Model // by upstream, the latest that it told without an error
}

// Discover lists what clients can ask for: the models that the configuration
// names, and those of the upstreams' own lists that a prefix of the configuration
// lets through. An answer is kept for a minute. An upstream that does not
// tell is left out and logged; the first call after a start waits for it at most 10 s.
func (r *Router) Discover(ctx context.Context) ([]Model, error) {
	c := &r.catalog
	c.mu.Lock()
	if c.models != nil && r.now().Sub(c.at) < catalogFresh {
		defer c.mu.Unlock()
		return c.models, nil
	}
	if c.asking == nil {
		c.asking = make(chan struct{})
		done := c.asking
		r.background.Go(func() { r.refresh(done) })
	}
	done, known := c.asking, c.models
	c.mu.Unlock()
	if known != nil {
		return known, nil // a minute old is better than late
	}
	select {
	case <-done:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.models, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (r *Router) refresh(done chan struct{}) {
	ctx, cancel := context.WithTimeout(r.alive, catalogLimit)
	defer cancel()
	lists := make([][]Model, len(r.endpoints))
	known := r.catalog.lists // only this round writes it, and there is one at a time
	if known == nil {
		known = make([][]Model, len(r.endpoints))
	}
	var crowd sync.WaitGroup
	for i, e := range r.endpoints {
		crowd.Go(func() {
			var err error
			if lists[i], err = r.ask(ctx, e); err == nil {
				return
			}
			r.log.Warn("upstream does not list its models", zap.String("upstream", e.Name), zap.Error(err))
			if known[i] != nil {
				lists[i] = known[i] // it has them all the same
			}
		})
	}
	crowd.Wait()
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Model) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b Model) bool { return a.ID == b.ID }) // the first upstream's word counts
	c := &r.catalog
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.asking, c.lists = r.now(), nil, lists
	c.models = append(make([]Model, 0, len(all)), all...) // not nil, even if empty
	close(done)
}

// ask returns the models of one upstream: those it is configured with, and those
// it tells of if the configuration has prefixes.
func (r *Router) ask(ctx context.Context, e *endpoint) ([]Model, error) {
	var all []Model
	open := false
	for _, rule := range e.rules {
		if rule.match.star {
			open = true
		} else {
			all = append(all, Model{ID: rule.match.text, Upstream: e.Name})
		}
	}
	if !open {
		return all, nil
	}
	told, err := r.list(ctx, e)
	for _, raw := range told {
		var m struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &m) != nil || m.ID == "" {
			continue
		}
		for _, rule := range e.rules {
			name, ok := rule.clientName(m.ID)
			if !ok {
				continue
			}
			if at := slices.IndexFunc(all, func(known Model) bool { return known.ID == name }); at >= 0 {
				all[at].Raw = raw
			} else {
				all = append(all, Model{ID: name, Upstream: e.Name, Raw: raw})
			}
		}
	}
	return all, err
}

func (r *Router) list(ctx context.Context, e *endpoint) ([]json.RawMessage, error) {
	x := newExchange(ctx, target{endpoint: e}, pass{}, r.now)
	resp, err := x.send(Call{Path: "/models", Method: http.MethodGet}, nil)
	if err != nil {
		err = x.explain(err)
		x.finish(failed)
		return nil, err
	}
	defer x.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET /models answers with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(x, maxCatalog))
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []json.RawMessage `json:"data"`
	}
	if json.Unmarshal(text, &list) != nil {
		return nil, errors.New("GET /models answers with something else than a list")
	}
	return list.Data, nil
}
