package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// accessible looks at the page as a screen reader does, by the browser's own tree.
func accessible(s *service, t *tab) error {
	return all(
		func() error { return t.open(desktop, s.admin) },
		func() error {
			return t.until("the cards have their buttons", `!!document.querySelector('[data-recycle="0"]:enabled')`)
		},
		func() error { return t.tree() },
	)
}

// mustBeNamed are the roles that say nothing without a name.
var mustBeNamed = map[string]bool{
	"button": true, "link": true, "textbox": true, "meter": true, "img": true, "image": true, "dialog": true,
	"region": true, "toolbar": true, "columnheader": true, "heading": true, "group": true,
}

// landmarks have to be there, with these names.
var landmarks = []string{
	"RootWebArea ", "banner ", "main ", "toolbar Actions", "heading Workers", "heading Events", "heading Queues and permits",
	"button Reload", "button Recycle all", "button One worker more", "button One worker fewer", "button Recycle slot 0",
	"region Now", "columnheader Request", "meter Connections of slot 0", "list Events, the newest first",
}

func (t *tab) tree() error {
	result, err := chromedp.Call(t.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return err
	}
	found := map[string]bool{}
	var wrong []error
	for _, n := range result.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role, name := word(n.Role), word(n.Name)
		found[role+" "+name], found[role+" "] = true, true
		if mustBeNamed[role] && strings.TrimSpace(name) == "" {
			wrong = append(wrong, fmt.Errorf("a %s has no name (node %d)", role, n.BackendDOMNodeID))
		}
	}
	for _, want := range landmarks {
		if !found[want] {
			wrong = append(wrong, fmt.Errorf("a screen reader finds no %q", want))
		}
	}
	return errors.Join(wrong...)
}

// word is a text of the tree.
func word(v *accessibility.Value) (text string) {
	if v != nil {
		_ = json.Unmarshal([]byte(v.Value), &text)
	}
	return text
}

// contrast checks every text that is seen against what is behind it: 4.5, or 3 if it is
// large (WCAG 2.2, 1.4.3). What is disabled is excepted there.
func (t *tab) contrast() error {
	bad, err := t.text(contrastScript)
	if err == nil && bad != "" {
		err = errors.New("is too faint to read:\n" + bad)
	}
	return err
}

const contrastScript = `(() => {
	const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
	const rgba = color => { // whatever syntax the style has
		pen.clearRect(0, 0, 1, 1)
		pen.fillStyle = color
		pen.fillRect(0, 0, 1, 1)
		return pen.getImageData(0, 0, 1, 1).data
	}
	const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] / 255 + below[i] * (1 - top[3] / 255))
	const behind = e => {
		const layers = []
		for (let at = e; at; at = at.parentElement) {
			const c = rgba(getComputedStyle(at).backgroundColor)
			if (c[3]) layers.push(c)
			if (c[3] === 255) break
		}
		return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255])
	}
	const light = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
	const bad = new Set()
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const e = node.parentElement
		if (!node.textContent.trim() || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || e.closest('[disabled], .skip')) continue
		const style = getComputedStyle(e)
		const back = behind(e), front = over(rgba(e instanceof SVGElement ? style.fill : style.color), back)
		const [a, b] = [light(front), light(back)].sort((x, y) => y - x)
		const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize)
		const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700
		if (ratio < (large ? 3 : 4.5)) bad.add(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ' ' + JSON.stringify(node.textContent.trim().slice(0, 30)))
	}
	return [...bad].join('\n')
})()`
