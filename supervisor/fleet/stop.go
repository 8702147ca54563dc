package fleet

// stop ends the fleet; settle exits when the last worker is gone.
func (f *Fleet) stop(e Stop) {
	again := f.phase == PhaseStopping
	if again && f.quick {
		f.refuse(nil, "the fleet is already stopping quickly")
		return
	}
	if !again {
		f.leave(Exit{Code: 0})
	}
	if e.Quick || again {
		f.quick = true
		f.quit()
		return
	}
	for _, w := range f.workers {
		f.retire(w, ReasonStop)
	}
}

// giveUp ends a master whose first boot failed.
func (f *Fleet) giveUp(code int, detail string) {
	f.leave(Exit{Code: code, Detail: detail})
	f.quick = true
	for _, w := range f.workers {
		if w.state != StateAborting && w.state != StateKilled { // one that writes its stacks may end that
			f.kill(w, ReasonStop)
		}
	}
}

// leave makes sure that nothing is started any more.
func (f *Fleet) leave(with Exit) {
	f.endReload("stopping")
	f.queue = nil
	f.phase = PhaseStopping
	f.exit = with
}

// quit ends every worker at once.
func (f *Fleet) quit() {
	for _, w := range f.workers {
		end := f.now.Add(w.config.policy.QuickTimeout)
		switch w.state {
		case StateBooting:
			f.kill(w, ReasonStop)
		case StateReady, StateDraining:
			if w.state == StateReady {
				f.move(w, StateDraining)
			}
			w.reason, w.quit, w.deadline = ReasonStop, true, end
			f.emit(Quit{ID: w.id})
		case StateAborting:
			w.deadline = earlier(w.deadline, end)
		}
	}
}
