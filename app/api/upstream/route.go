package upstream

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// pattern is a name, or with a * at its end a prefix of names.
type pattern struct {
	text string // without the *
	star bool
}

func parsePattern(s string) (pattern, error) {
	text, star := strings.CutSuffix(s, "*")
	if strings.Contains(text, "*") {
		return pattern{}, fmt.Errorf("%q has a * that is not its last character", s)
	}
	return pattern{text, star}, nil
}

// match returns what the * stands for.
func (p pattern) match(name string) (rest string, ok bool) {
	if !p.star {
		return "", name == p.text
	}
	return strings.CutPrefix(name, p.text)
}

// fill puts rest in the place of the *.
func (p pattern) fill(rest string) string {
	if !p.star {
		return p.text
	}
	return p.text + rest
}

// rule is a [Route], ready for use.
type rule struct {
	match, rename pattern
}

func parseRule(r Route) (rule, error) {
	match, err := parsePattern(r.Match)
	if err != nil {
		return rule{}, fmt.Errorf("model %w", err)
	}
	if r.Match == "" {
		return rule{}, fmt.Errorf("a model without a name: write the model's id, a prefix with * at its end, or *")
	}
	if r.Rename == "" {
		return rule{match, match}, nil
	}
	rename, err := parsePattern(r.Rename)
	if err != nil {
		return rule{}, fmt.Errorf("rename %w", err)
	}
	if rename.star && !match.star {
		return rule{}, fmt.Errorf("rename %q has a *, but model %q has none", r.Rename, r.Match)
	}
	return rule{match, rename}, nil
}

// specificity orders rules: any exact name before every prefix, a longer prefix before a shorter one.
func (r rule) specificity() int {
	if !r.match.star {
		return 1 << 20
	}
	return len(r.match.text)
}

// clientName returns what clients call the upstream's model id, if the rule lets them.
func (r rule) clientName(id string) (string, bool) {
	rest, ok := r.rename.match(id)
	if !ok || r.match.star && !r.rename.star {
		return "", false // many names lead to this one: none of them is its name
	}
	return r.match.fill(rest), true
}

// target is one upstream that serves a model, and what it calls it.
type target struct {
	*endpoint
	model       string
	specificity int
}

// route returns the upstreams for a model, in the order in which they are preferred.
func (r *Router) route(model string) []target {
	var found []target
	for _, e := range r.endpoints {
		best := target{specificity: -1}
		for _, rule := range e.rules {
			if rest, ok := rule.match.match(model); ok && rule.specificity() > best.specificity {
				best = target{e, rule.rename.fill(rest), rule.specificity()}
			}
		}
		if best.specificity >= 0 {
			found = append(found, best)
		}
	}
	slices.SortStableFunc(found, compareTargets)
	return found
}

func compareTargets(a, b target) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.specificity, a.specificity))
}
