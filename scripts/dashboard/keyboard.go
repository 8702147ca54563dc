package main

import (
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// keyboard does everything that an operator does there without a mouse.
func keyboard(s *service, t *tab) error {
	one, err := s.pid(0)
	if err != nil {
		return err
	}
	cards := func(n int) string {
		return fmt.Sprintf(`document.querySelector('#wanted').textContent === '%d' && document.querySelectorAll('#grid > .worker').length === %d`, n, n)
	}
	ready := fmt.Sprintf(`document.querySelectorAll('#grid > .worker').length === %d && [...document.querySelectorAll('#grid .pill')].every(p => p.dataset.state === 'ready')`, workers)
	return all(
		func() error {
			return chromedp.Do(t.ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); window.scrollTo(0, 0)`))
		},
		func() error { return t.tab("the reload", `document.activeElement.id === 'reload'`) },
		func() error { return t.press(kb.Enter) },
		func() error { return t.until("it asks first", `document.querySelector('#confirm-dialog').open`) },
		func() error { return t.tab("its yes", `document.activeElement.id === 'confirm-yes'`) },
		func() error { return t.press(kb.Enter) },
		func() error {
			return t.until("a third generation serves", ready+` && [...document.querySelectorAll('#grid .gen')].every(g => g.textContent.startsWith('gen 3 '))`)
		},
		func() error {
			return t.is("the focus is where it was", `document.activeElement.id === 'reload'`)
		},
		func() error { return t.tab("more", `document.activeElement.id === 'more'`) },
		func() error { return t.press(kb.Enter) },
		func() error { return t.until("one worker more", cards(workers+1)) },
		func() error { return t.tab("fewer", `document.activeElement.id === 'fewer'`) },
		func() error { return t.press(" ") },
		func() error { return t.until("one worker fewer", cards(workers)) },
		func() error { one, err = s.pid(0); return err },
		func() error {
			return t.tab("the recycle of a slot", `document.activeElement.dataset.recycle === '0'`)
		},
		func() error { return t.press(kb.Enter) },
		func() error { return t.until("another worker serves it", anew(one)) },
		func() error { return t.tab("the recycle of all", `document.activeElement.id === 'recycle'`) },
		func() error {
			old := ""
			for slot := range workers {
				pid, err := s.pid(slot)
				if err != nil {
					return err
				}
				old += fmt.Sprintf(` && !document.querySelector('.worker[data-id="%d/%d"]')`, slot, pid)
			}
			return all(
				func() error { return t.press(kb.Enter) },
				func() error { return t.until("it asks first", `document.querySelector('#confirm-dialog').open`) },
				func() error { return t.tab("its yes", `document.activeElement.id === 'confirm-yes'`) },
				func() error { return t.press(kb.Enter) },
				func() error { return t.until("all are replaced", ready+old) },
			)
		},
	)
}

// anew: the slot of a worker that is gone has a ready one.
func anew(pid int) string {
	return fmt.Sprintf(`!document.querySelector('.worker[data-id="0/%d"]') && [...document.querySelectorAll('.worker[data-id^="0/"] .pill')].some(p => p.dataset.state === 'ready')`, pid)
}

// tab presses Tab until the focus is where it is wanted.
func (t *tab) tab(what, there string) error {
	for range 120 { // more than there are places, twice
		yes, err := chromedp.Run(t.ctx, chromedp.Evaluate[bool](there))
		if err != nil || yes {
			return err
		}
		if err := t.press(kb.Tab); err != nil {
			return err
		}
	}
	return fmt.Errorf("the Tab key does not reach %s", what)
}
