package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is for what has to come about; a page under test updates once a second.
const patience = 30 * time.Second

// tab is one page of a real browser, with everything that it complained about.
type tab struct {
	ctx        context.Context
	shots      string
	mu         sync.Mutex
	complaints []string
}

// launch starts the browser; it ends with ctx.
func launch(ctx context.Context, shots string) (*tab, context.CancelFunc, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("disable-gpu", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses root
	}
	ctx, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, stopTab := chromedp.NewContext(ctx)
	t := &tab{ctx: ctx, shots: shots}
	// A violation of the policy is an event of the page, too: the log has those of one kind, this has all.
	watch := `document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))`
	err := chromedp.Listen(ctx, t.listen)
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	}
	return t, func() { stopTab(); stopAllocator() }, err
}

func (t *tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		for _, a := range e.Args {
			text += " " + string(a.Value)
		}
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		text = fmt.Sprintf("%s %s", e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complaints = append(t.complaints, text)
}

// complained returns the complaints since the last call.
func (t *tab) complained() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.complaints
	t.complaints = nil
	return out
}

// view is a device: a size, and whether it prefers dark.
type view struct {
	name          string
	width, height int64
	scheme        string
	phone         bool
}

func (t *tab) open(v view, url string) error {
	device := []chromedp.EmulateViewportOption{}
	if v.phone {
		device = append(device, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}}
	if _, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, media); err != nil {
		return fmt.Errorf("%s: cannot emulate it: %w", v.name, err)
	}
	if err := chromedp.Do(t.ctx, chromedp.EmulateViewport(v.width, v.height, device...), chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("%s: cannot open %s: %w", v.name, url, err)
	}
	return t.until("the page lives on updates", `document.body.dataset.live === 'yes'`)
}

// until waits for an expression to become true.
func (t *tab) until(what, expression string) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(0))); err != nil {
		return fmt.Errorf("did not come about: %s: %s", what, expression)
	}
	return nil
}

// text evaluates an expression that is a string.
func (t *tab) text(expression string) (string, error) {
	return chromedp.Run(t.ctx, chromedp.Evaluate[string](expression))
}

// is checks an expression that has to be true already.
func (t *tab) is(what, expression string) error {
	yes, err := chromedp.Run(t.ctx, chromedp.Evaluate[bool](expression))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !yes {
		return fmt.Errorf("is not so: %s: %s", what, expression)
	}
	return nil
}

func (t *tab) press(keys string) error { return chromedp.Do(t.ctx, chromedp.KeyEvent(keys)) }

// click is a real one: what covers the element gets it instead.
func (t *tab) click(selector string) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		return fmt.Errorf("cannot click %s: %w", selector, err)
	}
	return nil
}

func (t *tab) shot(name string, whole bool) error {
	action := chromedp.CaptureScreenshot()
	if whole {
		action = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(t.ctx, action)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.shots, name+".png"), png, 0o644)
}
