package supervisor

import (
	"os"
	"time"

	"github.com/cloudflare/tableflip"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/identity"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/systemd"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/journal"
	"github.com/webchasor/webchasor/supervisor/pidfile"
)

// master is the state of the loop. Nothing else touches it.
type master struct {
	name    string
	version string
	load    func() (*config.Resolved, error)

	log      *zap.Logger // never blocks
	lines    *logQueue   // behind log
	patient  *zap.Logger // the same log, but waits for a slow reader
	level    zap.AtomicLevel
	sink     *logs.Sink
	stderr   *os.File // the process's own
	stderrFD int      // what workers log to when log_file is "-"
	stdoutFD int
	devNull  *os.File
	image    string // path that executes the image this master runs

	identity *identity.Identity // as whom workers run; nil: as this process
	launcher *sys.Launcher      // nil until a worker may gain no rights
	logFiles logFiles
	share    part // what each worker was told last

	fleet    *fleet.Fleet
	pending  []fleet.Event
	stepping bool
	children map[fleet.ID]*child
	departed *child // the latest that ended; for what is still said about it
	clock    sys.Clock

	current         *config.Resolved // the committed generation
	previous        *config.Resolved // the one committed before; nil if there was none
	generation      fleet.Generation
	tx              transaction // a reload under way
	lastReload      *control.Result
	waitsForUpgrade []control.Change // settings whose new value the last reload could not apply
	logLevel        string           // an operator's, until the next reload; "" is the setting's

	sockets []socket
	traffic traffic
	orphans []*orphan // workers of previous masters that still finish streams
	queue   backlogWatch
	memory  memoryWatch

	upgrader  *tableflip.Upgrader
	baton     baton // for what an upgrade hands over
	upgrading bool
	promotion promotion // the upgrade under way, and the last one
	inherited estate    // what an upgraded-from master left; empty at a first start
	init      *os.File
	pidfile   *pidfile.File
	systemd   *systemd.Service // nil without a service manager
	manager   manager          // what it was told
	deaths    *autopsy.Store
	claims    autopsy.Claims

	poison     poisonWatch
	undertaker *undertaker // what is slow about deaths
	accountant *undertaker // access lines of lost requests

	journal    *journal.Journal
	lastDeaths map[int]*control.Death // by slot, the abnormal ones; for status
	refused    string                 // why the core refused the event just told; see tried
	scales     *scales
	started    time.Time
	binary     string // the program file, what an upgrade executes

	ledger    *ledger.Ledger
	tallies   tallies
	facts     machine.Facts // what the service may use
	glance    glance
	decisions uint64 // grows with what the core decides
	permits   permitsDesk
	routes    []string // that are counted apart
	clocked   clocked
	nextClock time.Time

	control controlSocket
	admin   *adminSocket

	tls        tlsDesk
	watcher    *fileWatch // of the configuration's files
	happenings chan happening
	gone       chan struct{} // closed when the loop has ended
	signals    inbox
	stopping   bool
	lame       bool        // stopping, but the workers still serve
	stopAt     time.Time   // when the workers were told to stop
	shut       bool        // newcomers are kept out
	serving    bool        // Up has happened
	final      *fleet.Exit // the core's word to leave; orphans may still be waited for

	done bool
	code int
}

// settingsOf returns the settings a worker of this generation is started with:
// the committed ones, or those of the reload under way.
func (m *master) settingsOf(g fleet.Generation) *config.Settings {
	if m.tx.next != nil && g == m.tx.generation {
		return &m.tx.next.Settings
	}
	return &m.current.Settings
}
