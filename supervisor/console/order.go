package console

import (
	"net/http"

	"github.com/webchasor/webchasor/internal/control"
)

func (c console) reload(r *http.Request) (any, error) {
	if flag(r, "dry_run") {
		return c.Plan(r.Context())
	}
	return c.Reload(r.Context(), flag(r, "wait"))
}

func (c console) upgrade(r *http.Request) (any, error) {
	return c.Upgrade(r.Context(), flag(r, "wait"))
}

func (c console) rollback(r *http.Request) (any, error) {
	return c.Rollback(r.Context(), flag(r, "wait"))
}

func (c console) drain(r *http.Request) (any, error) { return c.Drain(r.Context()) }

func (c console) scale(r *http.Request) (any, error) {
	var o control.ScaleOrder
	if err := body(r, &o); err != nil {
		return nil, err
	}
	if (o.Workers == 0) == (o.Delta == 0) || o.Workers < 0 {
		return nil, usage(`cannot scale: give either "workers", at least 1, or "delta", not 0`)
	}
	return c.Scale(r.Context(), o)
}

func (c console) recycle(r *http.Request) (any, error) {
	var o control.RecycleOrder
	if err := body(r, &o); err != nil {
		return nil, err
	}
	if (o.Slot == nil) == !o.All {
		return nil, usage(`cannot recycle: give either "slot" or "all": true`)
	}
	return c.Recycle(r.Context(), o)
}

func (c console) logLevel(r *http.Request) (any, error) {
	var o control.LevelOrder
	if err := body(r, &o); err != nil {
		return nil, err
	}
	return c.LogLevel(r.Context(), o)
}
