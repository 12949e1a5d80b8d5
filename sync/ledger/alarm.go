package ledger

import "time"

// Alarm is something a person has to look at. Nothing in it is personal.
type Alarm struct {
	At    time.Time `json:"at"`
	Kiosk string    `json:"kiosk"`
	Code  string    `json:"code"` // one of AlarmCodes
	Note  string    `json:"note"`
}

// The codes of alarms. Each has words at the desk and a line in
// firmware/docs/runbooks/alarms.md: a test reads them here.
const (
	// AlarmFork: two records under one number: the kiosk has a clone (WIRE-SES-7).
	AlarmFork = "kiosk.fork"
	// AlarmReplaced: the kiosk came with another journal than the last time: its
	// outbox was carried into a new file, or an older file was put back
	// (WIRE-JRN-6).
	AlarmReplaced = "journal.replaced"
	// AlarmSilent: the kiosk sends records and shows no head that covers what was
	// taken before (WIRE-JRN-7).
	AlarmSilent = "journal.silent"
	// AlarmUntaught: the kiosk says again and again that it has an older bundle or
	// catalogue than it was handed: it does not take it, or cannot keep it
	// (WIRE-SES-16).
	AlarmUntaught = "kiosk.untaught"
	// AlarmUnbelieving: the kiosk left a decision out because it does not verify: the
	// portal signs with what the kiosk's bundle does not have, or somebody forges
	// (WIRE-SES-11).
	AlarmUnbelieving = "kiosk.unbelieving"
	// AlarmSettings: the kiosk did not take the settings that it was sent, or cannot
	// use some of their values (WIRE-SET-4): its state page says which.
	AlarmSettings = "kiosk.settings"
	// What can be wrong with a journal head (WIRE-JRN-2): the codes of nacks too.

	// AlarmSignature: not a head of this kiosk and journal, or its signature is not
	// good.
	AlarmSignature = "journal.signature"
	// AlarmShortened: smaller than the one kept: cut off, or an older copy of the
	// medium.
	AlarmShortened = "journal.shortened"
	// AlarmForked: it does not continue the one kept: changed, dropped, swapped.
	AlarmForked = "journal.forked"
	// AlarmRewound: the hardware's counter went back or is gone: the medium in
	// another machine.
	AlarmRewound = "journal.rewound"
	// AlarmMissing: smaller than what the portal has taken from it: entries were
	// dropped.
	AlarmMissing = "journal.missing"
	// AlarmDictionary: the kiosk seals with the dictionary of a catalogue that this
	// portal never had. Its requests wait until the portal is given that catalogue.
	AlarmDictionary = "envelope.dictionary"
	// AlarmRestored: the kiosk has stored an item that this ledger does not know: the
	// ledger was put back to an older state, and what came in after that is gone from
	// it (WIRE-SES-20).
	AlarmRestored = "portal.restored"
	// AlarmQuota: the kiosk brings more than one kiosk may. What is over waits at the
	// kiosk (WIRE-LIM-1).
	AlarmQuota = "kiosk.quota"
	// AlarmFull: the portal's own disk is too full to take requests in. They wait at
	// the kiosks (WIRE-LIM-3). It is of no kiosk.
	AlarmFull = "portal.full"
	// AlarmCodeUsed: a one-time code that had brought a certificate came again with
	// another key: somebody has read the code, or the kiosk was flashed anew with it
	// (ENR-CODE-5).
	AlarmCodeUsed = "enrol.reused"
	// AlarmPaused: a release of the kiosks' software failed on too many kiosks of a
	// ring, and goes no further (sync/spec/release.md). It is of no kiosk.
	AlarmPaused = "release.paused"
)

// AlarmCodes are all of them.
var AlarmCodes = []string{
	AlarmFork, AlarmReplaced, AlarmSilent, AlarmSignature, AlarmShortened, AlarmForked, AlarmRewound, AlarmMissing,
	AlarmDictionary, AlarmUntaught, AlarmUnbelieving, AlarmRestored, AlarmQuota, AlarmFull, AlarmCodeUsed,
	AlarmPaused, AlarmSettings,
}
