// Package health knows what can be wrong with a kiosk and what is wrong now.
//
// A condition is a package variable: its code is the same on the technician's
// screen, in the state page, in the log and in the runbook. Conditions name no
// citizen and hold no data.
package health

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Severity says what a condition means for a citizen.
type Severity int

// The severities. Their numbers are sent.
const (
	Note    Severity = 1 // nothing is missing; someone should look
	Degrade Severity = 2 // something does not work: a print, a card, the link
	Stop    Severity = 3 // no binding request can be taken
)

// String returns the word for s.
func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Degrade:
		return "degraded"
	case Stop:
		return "stopped"
	}
	return "unknown"
}

// Condition is one thing that can be wrong.
type Condition struct {
	Code     string // stable
	Severity Severity
	What     string // for the technician
	Advice   string // what to do first
	Notice   string // phrase key of what the start page tells everyone; "" nothing
}

// The conditions.
var (
	PaperLow    = &Condition{Code: "printer.paper.low", Severity: Note, What: "the paper is nearly out", Advice: "put in a new roll soon"}
	PaperOut    = &Condition{Code: "printer.paper.out", Severity: Degrade, What: "there is no paper", Advice: "put in a roll; what waits prints by itself", Notice: "notice.printer"}
	PaperJam    = &Condition{Code: "printer.paper.jam", Severity: Degrade, What: "paper or cutter is stuck", Advice: "open the cover, take the paper out, close it", Notice: "notice.printer"}
	CoverOpen   = &Condition{Code: "printer.cover.open", Severity: Degrade, What: "the printer's cover is open", Advice: "close the cover; what waits prints by itself", Notice: "notice.printer"}
	PrinterHot  = &Condition{Code: "printer.hot", Severity: Degrade, What: "the print head is too hot", Advice: "nothing: it prints on when it has cooled; if it happens often, look for what blocks its air", Notice: "notice.printer"}
	Untaken     = &Condition{Code: "printer.exit.untaken", Severity: Note, What: "a paper stands in the printer's output and nobody takes it", Advice: "nothing: it is pulled back, or let go of, by itself; if it stays, take it out and destroy it"}
	NoPrinter   = &Condition{Code: "printer.gone", Severity: Degrade, What: "the printer does not answer", Advice: "check its cable and power", Notice: "notice.printer"}
	SheetsGone  = &Condition{Code: "sheets.gone", Severity: Note, What: "the A4 printer does not answer", Advice: "check its cable and power; certified copies come on the roll meanwhile"}
	SheetsOut   = &Condition{Code: "sheets.paper.out", Severity: Note, What: "the A4 printer has no paper", Advice: "put A4 in; certified copies come on the roll meanwhile"}
	SheetsStuck = &Condition{Code: "sheets.stuck", Severity: Note, What: "the A4 printer is open, jammed or broken", Advice: "look at its own display; certified copies come on the roll meanwhile"}
	SheetsToner = &Condition{Code: "sheets.toner.low", Severity: Note, What: "the A4 printer's toner or ink runs out", Advice: "have another at hand"}
	NoReader    = &Condition{Code: "reader.gone", Severity: Degrade, What: "the card reader does not answer", Advice: "check its cable", Notice: "notice.reader"}
	NoPortal    = &Condition{Code: "portal.down", Severity: Note, What: "there is no connection to the portal", Advice: "requests are kept and sent later; check the link if it lasts"}
	PortalCert  = &Condition{Code: "portal.certificate", Severity: Degrade, What: "the portal shows a certificate that is not the portal's", Advice: "nothing is sent there; report it: the link may be tampered with", Notice: "notice.portal-certificate"}
	PortalNo    = &Condition{Code: "portal.refuses", Severity: Degrade, What: "the portal refuses this kiosk", Advice: "check the kiosk's certificate and number with the operator"}
	ClockLost   = &Condition{Code: "clock.unknown", Severity: Stop, What: "the clock is not known", Advice: "connect the kiosk: the portal's signed time sets it", Notice: "notice.clock"}
	BeaconOld   = &Condition{Code: "clock.beacon.old", Severity: Stop, What: "the portal's last signed time is too old", Advice: "connect the kiosk", Notice: "notice.trust"}
	DiskFull    = &Condition{Code: "outbox.full", Severity: Stop, What: "there is no room for another request", Advice: "connect the kiosk so that what is kept can be sent", Notice: "notice.full"}
	NoKey       = &Condition{Code: "key.signing", Severity: Stop, What: "the kiosk's signing key does not work", Advice: "penjire status says why; a chip that is gone or cleared needs a new certificate", Notice: "notice.key"}
	NoIdentity  = &Condition{Code: "key.identity", Severity: Degrade, What: "the kiosk's key for the portal does not work", Advice: "penjire status says why; requests are kept meanwhile"}
	OutboxLost  = &Condition{Code: "outbox.alarm", Severity: Degrade, What: "the outbox was damaged: the old file is kept aside", Advice: "do not wipe anything; report it"}
	Restored    = &Condition{Code: "outbox.restored", Severity: Stop, What: "the outbox is an older copy of itself: the portal has a later head of its journal, signed by this kiosk, or the second medium has later entries", Advice: "report it: somebody put an old medium in, or changed it; then restart the kiosk, which goes on under a new epoch", Notice: "notice.restored"}
	MirrorGone  = &Condition{Code: "mirror.gone", Severity: Note, What: "the second medium is not there, or cannot be written", Advice: "put it in, or another with the same folder; it is filled by itself"}
	MirrorFull  = &Condition{Code: "mirror.full", Severity: Note, What: "the second medium is full", Advice: "take what is not the kiosk's off it, or put a larger one in"}
	MirrorSlow  = &Condition{Code: "mirror.stale", Severity: Note, What: "the second medium does not keep up", Advice: "if it lasts, replace it: it is slow or dying"}
	MirrorElse  = &Condition{Code: "mirror.foreign", Severity: Note, What: "the second medium is another kiosk's", Advice: "put this kiosk's in; the other is left as it is"}
	MirrorMore  = &Condition{Code: "mirror.ahead", Severity: Degrade, What: "the second medium has requests that the outbox has not", Advice: "do not wipe it; stop the kiosk and run penjire queue restore with its folder"}
	MirrorSame  = &Condition{Code: "mirror.same", Severity: Note, What: "the folder for the second medium is on the first", Advice: "mount the second medium there: a copy on one medium dies with it"}
	Refuted     = &Condition{Code: "journal.refused", Severity: Degrade, What: "the portal refuses the journal's head", Advice: "report it with the code in the status; requests are still sent"}
	Overdue     = &Condition{Code: "requests.overdue", Severity: Degrade, What: "a request has waited too long for the portal's receipt", Advice: "bring the kiosk online, or send the requests on a memory stick: penjire export FOLDER (ED-25: other steps)"}
	Unbelieved  = &Condition{Code: "decision.unbelieved", Severity: Note, What: "a decision of the portal could not be believed", Advice: "nothing: it is asked for again each day and with each new trust bundle; if it lasts, report it"}
	Unprinted   = &Condition{Code: "receipt.unknown", Severity: Note, What: "the power went while a receipt was printing", Advice: "nothing to do: it is offered as a marked copy"}
	TrustOld    = &Condition{Code: "trust.stale", Severity: Note, What: "the revocation lists are older than promised", Advice: "connect the kiosk"}
	SealNew     = &Condition{Code: "seal.unlisted", Severity: Note, What: "the trust bundle does not list this kiosk's seal yet: only the portal can check its receipts, which say so", Advice: "nothing here: the operator has the register take the certificate, and the next bundle ends it"}

	CabinetOpen     = &Condition{Code: "cabinet.open", Severity: Note, What: "the door of the cabinet is open", Advice: "close it; that it was opened is in the journal"}
	Tampered        = &Condition{Code: "cabinet.tampered", Severity: Degrade, What: "the tamper loop is broken, or was", Advice: "look at the cabinet; when it is whole: penjire queue dismiss cabinet.tampered"}
	NoSensor        = &Condition{Code: "cabinet.sensor.gone", Severity: Note, What: "a sensor of the cabinet does not answer, or does not settle", Advice: "penjire device ls says which; check its wires"}
	Hot             = &Condition{Code: "cabinet.hot", Severity: Note, What: "it is hot inside", Advice: "clean the fan and its filter; shade the kiosk"}
	OnBattery       = &Condition{Code: "power.battery", Severity: Note, What: "the kiosk runs on its battery", Advice: "check the mains"}
	NoMeter         = &Condition{Code: "power.unknown", Severity: Note, What: "the power monitor does not answer", Advice: "check its wires"}
	SupplyFailing   = &Condition{Code: "power.failing", Severity: Stop, What: "the power is about to go", Advice: "nothing: what was accepted is safe; requests are taken again when the power is back", Notice: "notice.power"}
	ClockBattery    = &Condition{Code: "clock.battery", Severity: Note, What: "the battery clock had stopped, or does not answer", Advice: "replace its battery; it is set by itself once the kiosk was connected"}
	StorageWorn     = &Condition{Code: "storage.worn", Severity: Note, What: "the storage comes to the end of its life", Advice: "replace it while it still works: penjire queue backup, then a fresh medium"}
	StorageFaulty   = &Condition{Code: "storage.faulty", Severity: Degrade, What: "the kernel found errors on the storage, or cannot write to it", Advice: "bring the requests out on a memory stick, then replace the medium"}
	StorageTight    = &Condition{Code: "storage.tight", Severity: Note, What: "there is little room on the storage", Advice: "connect the kiosk, or take support bundles and old copies off it"}
	Leaving         = &Condition{Code: "service.leaving", Severity: Stop, What: "the kiosk goes out of service for ever", Advice: "nothing: its keys are erased; a fresh image and a new enrolment bring it back", Notice: "notice.out-of-service"}
	Verbose         = &Condition{Code: "service.verbose", Severity: Note, What: "the kiosk logs more, by a service ticket", Advice: "nothing: it ends by itself"}
	SettingsRefused = &Condition{Code: "settings.refused", Severity: Note, What: "some settings from the portal cannot be used", Advice: "penjire status says which; the operator mends them: portald settings"}
	NoWatchdog      = &Condition{Code: "watchdog.gone", Severity: Note, What: "the watchdog cannot be kicked", Advice: "a kiosk that hangs does not restart by itself; report it"}
)

// All are all conditions, in no order.
var All = []*Condition{
	SheetsGone, SheetsOut, SheetsStuck, SheetsToner,
	PaperLow, PaperOut, PaperJam, CoverOpen, PrinterHot, Untaken, NoPrinter, NoReader, NoPortal, PortalCert, PortalNo,
	ClockLost, BeaconOld, DiskFull, NoKey, NoIdentity, OutboxLost, Restored, MirrorGone, MirrorFull, MirrorSlow, MirrorElse, MirrorMore, MirrorSame, Refuted, Overdue, Unbelieved, Unprinted, TrustOld, SealNew,
	CabinetOpen, Tampered, NoSensor, Hot, OnBattery, NoMeter, SupplyFailing, ClockBattery, NoWatchdog,
	StorageWorn, StorageFaulty, StorageTight, Leaving, Verbose, SettingsRefused,
}

// Active is a condition that holds, and since when by the kiosk's clock.
type Active struct {
	*Condition
	Since time.Time
}

// Monitor knows which conditions hold. The zero value knows of none. Its
// methods may be called from several goroutines.
type Monitor struct {
	mu     sync.Mutex
	active map[*Condition]time.Time
}

// Set says whether c holds. It reports whether that is new.
func (m *Monitor) Set(c *Condition, holds bool, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, was := m.active[c]; was == holds {
		return false
	}
	if !holds {
		delete(m.active, c)
		return true
	}
	if m.active == nil {
		m.active = map[*Condition]time.Time{}
	}
	m.active[c] = now
	return true
}

// Holds reports whether c holds.
func (m *Monitor) Holds(c *Condition) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.active[c]
	return ok
}

// Active returns the conditions that hold, the gravest first, then by code.
func (m *Monitor) Active() []Active {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Active, 0, len(m.active))
	for c, since := range m.active {
		out = append(out, Active{c, since})
	}
	slices.SortFunc(out, func(a, b Active) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// Notice returns the phrase key of the gravest condition that everyone should
// be told of, or "".
func (m *Monitor) Notice() string {
	for _, a := range m.Active() {
		if a.Notice != "" {
			return a.Notice
		}
	}
	return ""
}
