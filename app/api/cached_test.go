package api

import (
	"slices"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
)

// TestNamespaceFollowsTheProviders: an answer is kept for those who would get the same one.
func TestNamespaceFollowsTheProviders(t *testing.T) {
	t.Parallel()
	base := func() config.OpenAI {
		return config.OpenAI{Upstreams: []config.Upstream{{
			Name: "one", BaseURL: "http://one/v1", APIKey: "k", Models: []string{"m"},
			Rename: map[string]string{"a": "b", "c": "d"}, Headers: map[string]string{"X-A": "1"},
		}}}
	}
	want := namespaceOf(base())
	for name, change := range map[string]struct {
		do   func(*config.Upstream)
		same bool
	}{
		"nothing": {func(*config.Upstream) {}, true},
		"key":     {func(u *config.Upstream) { u.APIKey = "other" }, true},
		"name":    {func(u *config.Upstream) { u.Name = "other" }, true},
		"weight":  {func(u *config.Upstream) { u.Weight = 7 }, true},
		"address": {func(u *config.Upstream) { u.BaseURL = "http://two/v1" }, false},
		"models":  {func(u *config.Upstream) { u.Models = []string{"n"} }, false},
		"rename":  {func(u *config.Upstream) { u.Rename["a"] = "z" }, false},
		"headers": {func(u *config.Upstream) { u.Headers["X-A"] = "2" }, false},
		"forward": {func(u *config.Upstream) { u.ForwardHeaders = []string{"X-B"} }, false},
		"tier":    {func(u *config.Upstream) { u.Priority = 3 }, false},
	} {
		s := base()
		change.do(&s.Upstreams[0])
		if got := namespaceOf(s); (got == want) != change.same {
			t.Errorf("%s: %s and %s, want the same: %v", name, want, got, change.same)
		}
	}
	forward := base()
	forward.Upstreams[0].ForwardHeaders = []string{"x-tenant", "X-Tenant"}
	if got := meaningful(forward); !slices.Equal(got, []string{"Openai-Beta", "X-Tenant"}) {
		t.Errorf("the headers that decide about an answer are %v", got)
	}
	if one := namespaceOf(config.OpenAI{BaseURL: "http://one/v1"}); one == want || one == namespaceOf(config.OpenAI{}) {
		t.Error("the short form of the settings is not told apart")
	}
}
