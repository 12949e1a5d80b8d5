package ledger

import "time"

// Kinds of downlink items. The numbers are those of the wire (wire.md,
// section 5) and of the outbox; they are written out and never reused.
const (
	ItemDecided   uint8 = 1 // a DECIDED receipt
	ItemAnswer    uint8 = 2 // an answer packet
	ItemCatalogue uint8 = 3 // the signed catalogue
	ItemTrust     uint8 = 4 // the signed trust bundle
	ItemRevoked   uint8 = 6 // the signed list of revoked seals; 5 (a delta) is not kept
	ItemSettings  uint8 = 7 // a kiosk's signed settings
)

// Item is one thing that is to reach a kiosk, in the order of ID.
type Item struct {
	// ID is above every one given before, and no lower than At in milliseconds since
	// 1970: a ledger that was restored from a backup gives no ID again.
	ID      uint64
	Kind    uint8
	Version uint64 // of a catalogue or trust bundle; 0 for others
	Doc     Doc    // zero for catalogue and trust bundle
	Stage   State  // what it makes of the request
	At      time.Time
	Bytes   []byte
}

// NumberedDoc is a registered document and its place in a walk through all.
type NumberedDoc struct {
	Number uint64
	Doc    Doc
}

// Publication is one version of what was broadcast: a catalogue or a trust bundle.
type Publication struct {
	Version uint64
	At      time.Time // from then on it was in force
	Bytes   []byte
}

// Head is a kiosk's journal head as the portal last saw it.
type Head struct {
	Size int64
	Root [32]byte
	// Counter is what the kiosk's hardware counted (journal.Checkpoint); 0: none.
	Counter uint64
	Note    []byte // the checkpoint as signed by the kiosk and by the portal
	Stamp   []byte // RFC 3161 token over the portal's signature, which carries it too; nil: none was made yet
	At      time.Time
}

// Visit is what a kiosk said of itself when it connected.
type Visit struct {
	Epoch     Epoch     `json:"-"`
	At        time.Time `json:"at"`
	Software  string    `json:"software"`
	Unsent    uint64    `json:"unsent"`
	Oldest    time.Time `json:"oldest_unsent,omitzero"`
	Catalogue uint64    `json:"catalogue"`
	Trust     uint64    `json:"trust"`
}

// Kiosk is what the fleet view shows of one kiosk.
type Kiosk struct {
	ID          string `json:"id"`
	Visit       Visit  `json:"last"`
	Cursor      uint64 `json:"cursor"` // the last item it has stored
	JournalSize int64  `json:"journal_size"`
	Records     int    `json:"records"`
	Alarms      int    `json:"alarms"`
}
