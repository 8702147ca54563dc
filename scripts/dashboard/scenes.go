package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// scene is one thing that an operator does; scenes run in order and build on each other.
type scene struct {
	name    string
	play    func(*service, *tab) error
	allowed string // what the browser's console may say in it
}

func (s scene) expects(complaint string) bool {
	return s.allowed != "" && strings.Contains(complaint, s.allowed)
}

func (s scene) file() string { return strings.ReplaceAll(s.name, " ", "-") }

var (
	desktop = view{"desktop-light", 1280, 900, "light", false}
	night   = view{"desktop-dark", 1280, 900, "dark", false}
	phone   = view{"phone-light", 390, 844, "light", true}
	bedside = view{"phone-dark", 390, 844, "dark", true}
)

var scenes = []scene{
	{"shows the service", overview, ""},
	{"a death leads to its autopsy", autopsy, ""},
	{"is locked without the token", locked, ""},
	{"refuses a wrong token", wrongToken, "401"},
	{"recycles one worker", recycle, ""},
	{"the focus survives updates", focus, ""},
	{"scales", scale, ""},
	{"reloads", reload, ""},
	{"works with the keyboard alone", keyboard, ""},
	{"tells a screen reader everything", accessible, ""},
	{"looks right on every device", devices, ""},
}

// all runs steps until one fails.
func all(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func overview(s *service, t *tab) error {
	return all(
		func() error { return t.open(desktop, s.admin) },
		func() error {
			return t.until("one card per worker", fmt.Sprintf(`document.querySelectorAll('#grid > .worker').length === %d`, workers))
		},
		func() error {
			return t.until("the service is well", `document.querySelector('#health').dataset.state === 'ok'`)
		},
		func() error {
			return t.until("four charts with a line", `document.querySelectorAll('figure svg path.s0').length === 4`)
		},
		func() error {
			return t.until("the rate is counted", `document.querySelector('#chart-rate .key b').textContent > '0'`)
		},
		func() error {
			return t.until("streams are listed", `document.querySelectorAll('#requests .path').length >= 4 && document.querySelector('#requests').textContent.includes('POST /v1/chat/completions')`)
		},
		func() error { return t.is("events are listed", `document.querySelectorAll('#events li').length > 0`) },
		func() error { return named(t) },
	)
}

// named checks that whoever cannot see the page is told what each control does.
func named(t *tab) error {
	nameless, err := t.text(`[...document.querySelectorAll('button, a, input, meter, [role=img], [tabindex="0"]')]
		.filter(e => !(e.getAttribute('aria-label') || (e.getAttribute('aria-labelledby') && document.getElementById(e.getAttribute('aria-labelledby'))) ||
			e.textContent.trim() || (e.labels && e.labels.length)))
		.filter(e => e.checkVisibility()).map(e => e.outerHTML).join('\n')`)
	if err == nil && nameless != "" {
		err = errors.New("have no accessible name:\n" + nameless)
	}
	return err
}

func autopsy(s *service, t *tab) error {
	pid, err := s.pid(1)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	return all(
		func() error {
			return t.until("the death is an event with an autopsy", `!!document.querySelector('#events [data-death]')`)
		},
		func() error { return t.click(`#events [data-death]`) },
		func() error {
			return t.until("the report is shown", fmt.Sprintf(`document.querySelector('#autopsy').open && document.querySelector('#autopsy-text').textContent.includes('%d')`, pid))
		},
		func() error { return t.shot("autopsy", false) },
		func() error { return t.press(kb.Escape) },
		func() error { return t.until("Escape closes it", `!document.querySelector('#autopsy').open`) },
		func() error {
			return t.until("the focus is back at the death", `document.activeElement.dataset.death !== undefined`)
		},
		func() error {
			return t.until("another worker serves the slot", fmt.Sprintf(`document.querySelectorAll('#grid .pill[data-state=ready]').length === %d`, workers))
		},
		func() error {
			return t.until("the card names its predecessor's death", `!!document.querySelector('#grid [data-death]')`)
		},
	)
}

func locked(s *service, t *tab) error {
	return all(
		func() error {
			return t.is("actions are locked", `[...document.querySelectorAll('.needs-token')].every(b => b.disabled)`)
		},
		// The keyboard reaches every control in turn.
		func() error {
			if err := chromedp.Do(t.ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); window.scrollTo(0, 0)`)); err != nil {
				return err
			}
			seen := map[string]bool{}
			for range 30 {
				if err := t.press(kb.Tab); err != nil {
					return err
				}
				id, err := t.text(`document.activeElement.id || document.activeElement.className || document.activeElement.tagName`)
				if err != nil {
					return err
				}
				seen[id] = true
			}
			for _, want := range []string{"unlock", "theme", "events", "scroll"} {
				if !seen[want] {
					return fmt.Errorf("the Tab key does not reach %q, only %v", want, seen)
				}
			}
			return nil
		},
	)
}

func wrongToken(s *service, t *tab) error {
	return all(
		func() error { return t.click("#unlock") },
		func() error { return t.until("the dialog has the focus", `document.activeElement.id === 'token'`) },
		func() error { return t.press("guess" + kb.Enter) },
		func() error {
			return t.until("it says why not", `document.querySelector('#token-error').textContent.includes('wrong')`)
		},
		func() error { return t.shot("token", false) },
		func() error { return t.is("actions stay locked", `document.querySelector('#reload').disabled`) },
		func() error { return t.press(kb.Escape) },
		func() error { return t.until("Escape closes it", `!document.querySelector('#token-dialog').open`) },
	)
}

func recycle(s *service, t *tab) error {
	before, err := s.pid(0)
	if err != nil {
		return err
	}
	return all(
		func() error { return t.click("#unlock") },
		func() error {
			return t.until("the dialog has the focus and is empty", `document.activeElement.id === 'token' && document.activeElement.value === ''`)
		},
		func() error { return t.press(token + kb.Enter) },
		func() error {
			return t.until("actions are unlocked", `!document.querySelector('#token-dialog').open && !document.querySelector('#reload').disabled`)
		},
		func() error {
			return t.until("a card's action, too", `!!document.querySelector('[data-recycle="0"]:enabled')`)
		},
		func() error { return t.click(`[data-recycle="0"]`) },
		func() error {
			return t.until("it is under way or done", `!document.querySelector('#banner').hidden && document.querySelector('#banner').dataset.kind === 'good'`)
		},
		func() error {
			return t.until("another process serves the slot", fmt.Sprintf(`!document.querySelector('.worker[data-id="0/%d"]') && [...document.querySelectorAll('.worker[data-id^="0/"] .pill')].some(p => p.dataset.state === 'ready')`, before))
		},
		func() error {
			return t.is("the token is in no storage that outlives the tab", `!JSON.stringify(localStorage).includes('token')`)
		},
	)
}

// focus: cards change every second, and whoever uses the keyboard stays where he was.
func focus(s *service, t *tab) error {
	return all(
		func() error {
			return t.until("it can be focused", `(() => { const b = document.querySelector('[data-recycle="2"]:enabled'); if (!b) return false; b.focus(); window.age = b.closest('.worker').querySelector('dl').textContent; return document.activeElement === b })()`)
		},
		func() error {
			return t.until("the card changed", `document.querySelector('[data-recycle="2"]').closest('.worker').querySelector('dl').textContent !== window.age`)
		},
		func() error {
			return t.is("the focus is still there", `document.activeElement.dataset.recycle === '2'`)
		},
	)
}

func scale(s *service, t *tab) error {
	cards := func(n int) string {
		return fmt.Sprintf(`document.querySelector('#wanted').textContent === '%d' && document.querySelectorAll('#grid > .worker').length === %d`, n, n)
	}
	return all(
		func() error { return t.click("#more") },
		func() error { return t.until("one worker more", cards(workers+1)) },
		func() error { return t.click("#fewer") },
		func() error { return t.until("one worker fewer", cards(workers)) },
	)
}

func reload(s *service, t *tab) error {
	return all(
		func() error { return t.click("#reload") },
		func() error { return t.until("it asks first", `document.querySelector('#confirm-dialog').open`) },
		func() error { return named(t) },
		func() error { return t.shot("reload", false) },
		func() error { return t.click("#confirm-yes") },
		func() error {
			return t.until("the reload is an event", `[...document.querySelectorAll('#events .kind')].some(k => k.textContent.startsWith('reload'))`)
		},
		func() error {
			return t.until("every worker is of the next generation", fmt.Sprintf(`document.querySelectorAll('#grid > .worker').length === %d && [...document.querySelectorAll('#grid .gen')].every(g => g.textContent.startsWith('gen 2 '))`, workers))
		},
	)
}

func devices(s *service, t *tab) error {
	var failed []error
	for _, v := range []view{desktop, night, phone, bedside} {
		dark := v.scheme == "dark"
		err := all(
			func() error { return t.open(v, s.admin) },
			func() error {
				return t.until("cards", fmt.Sprintf(`document.querySelectorAll('#grid > .worker').length === %d`, workers))
			},
			func() error { return t.until("charts", `document.querySelectorAll('figure svg path.s0').length >= 4`) },
			func() error {
				return t.is("it is as dark as wished", fmt.Sprintf(`(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0] < 128) === %t`, dark))
			},
			func() error {
				return t.is("nothing sticks out sideways", `document.documentElement.scrollWidth <= innerWidth`)
			},
			func() error {
				return t.is("no card is too narrow for what it shows", `[...document.querySelectorAll('.worker, .worker *, .figures > div, .gauge')].every(e => e.scrollWidth <= e.clientWidth || getComputedStyle(e).display === 'inline')`)
			},
			func() error { return named(t) },
			func() error { return t.contrast() },
			func() error { return t.shot(v.name, true) },
		)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", v.name, err))
		}
	}
	return errors.Join(failed...)
}
