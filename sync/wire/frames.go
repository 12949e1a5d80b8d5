package wire

// Times in frames are seconds since 1970 UTC; 0 is «not known».

// Hello is the kiosk's first frame. Its encoding is the same in every version:
// a portal of any age can read it (WIRE-SES-2).
type Hello struct {
	Kiosk     string   `cbor:"1,keyasint"` // as in the client certificate
	Epoch     [16]byte `cbor:"2,keyasint"` // of the outbox file in use
	Oldest    uint     `cbor:"3,keyasint"` // oldest version spoken
	Newest    uint     `cbor:"4,keyasint"` // newest version spoken
	Cursor    uint64   `cbor:"5,keyasint"` // ID of the last item stored
	Software  string   `cbor:"6,keyasint"`
	Unsent    uint64   `cbor:"7,keyasint"` // requests without a receipt
	Since     int64    `cbor:"8,keyasint"` // when the oldest of them was accepted
	Catalogue uint64   `cbor:"9,keyasint"` // version in use
	Trust     uint64   `cbor:"10,keyasint"`
}

// Welcome is the portal's answer to Hello.
type Welcome struct {
	Version  uint    `cbor:"1,keyasint"` // what both will speak
	Portal   string  `cbor:"2,keyasint"` // the confirmer in receipts
	HeadSize int64   `cbor:"3,keyasint"` // last journal head seen in the kiosk's epoch; 0: none
	HeadName [8]byte `cbor:"4,keyasint"` // journal.Head.Digest of it, with what is signed under it; zero: none
	Records  uint    `cbor:"5,keyasint"` // most records it takes in one frame
	Bytes    uint    `cbor:"6,keyasint"` // most sealed bytes it takes in one frame of several records
}

// Records carries requests up. Their digests are not sent: the portal computes
// them, and the receipt names them. On the wire they look otherwise
// (wireRecords).
type Records struct {
	Epoch   [16]byte
	Records []Record
}

// Record is one sealed request.
type Record struct {
	Seq     uint64
	Doc     [32]byte
	Service string
	Lang    string
	Claimed int64
	Sealed  []byte
}

// Receipts carries DURABLE receipts down, for Records.
type Receipts struct {
	Groups []Group `cbor:"1,keyasint"`
}

// Nack says that one thing was not taken and why. It does not end the session
// and does not hold up anything else.
type Nack struct {
	Of    Type     `cbor:"1,keyasint"` // TypeRecords, TypeLarge, TypeCheckpoint; TypeItems goes up
	Epoch [16]byte `cbor:"2,keyasint"`
	Seq   uint64   `cbor:"3,keyasint"` // of the record or large request; 0 for others
	Code  string   `cbor:"4,keyasint"` // stable, e.g. "record.too_large", "journal.shortened"
	Retry uint     `cbor:"5,keyasint"` // seconds; 0: not before something changes
}

// Items carries down what the portal has for the kiosk: nothing is left out below
// its highest ID.
type Items struct {
	Items     []Item  `cbor:"1,keyasint"`
	Decisions []Group `cbor:"2,keyasint"` // DECIDED receipts; each slip is an item
}

// Count returns how many receipts there are.
func (f *Receipts) Count() int { return countSlips(f.Groups) }

// Count returns how many items there are, decisions among them.
func (f *Items) Count() int { return len(f.Items) + countSlips(f.Decisions) }

func countSlips(gs []Group) int {
	n := 0
	for i := range gs {
		n += len(gs[i].Slips)
	}
	return n
}

// Last returns the highest ID; 0 for none.
func (f *Items) Last() uint64 {
	var last uint64
	for _, it := range f.Items {
		last = max(last, it.ID)
	}
	for _, g := range f.Decisions {
		for _, s := range g.Slips {
			last = max(last, s.ID)
		}
	}
	return last
}

// CodeUnbuilt is the code of the nack for items whose decisions do not fit the
// records that the kiosk has: they are to come again with document and digest.
const CodeUnbuilt = "receipt.unbuilt"

// CodeBase is the code of the nack for a head that was packed against another than
// the portal keeps: it is to come again without a base.
const CodeBase = "journal.base"

// CodeUnbelieved is the code of the nack for items that had a decision which does
// not verify: it was left out.
const CodeUnbelieved = "receipt.invalid"

// Codes of the nack for settings: they do not verify, or are not newer than the last;
// and they were taken, but for some values that this kiosk cannot use.
const (
	CodeSettings        = "settings.invalid"
	CodeSettingsRefused = "settings.refused"
)

// MaxItem is the largest ID that an item may have (WIRE-SES-20): a portal gives IDs
// above what a kiosk names, and there must be some.
const MaxItem = 1 << 53

// Kinds of items; the numbers are on the wire and in both stores.
const (
	ItemDecided   uint8 = 1 // a DECIDED receipt; on the wire it is a slip
	ItemAnswer    uint8 = 2 // Bytes is a sealed answer packet
	ItemCatalogue uint8 = 3 // Bytes is the signed catalogue
	ItemTrust     uint8 = 4 // Bytes is the signed trust bundle
	ItemDelta     uint8 = 5 // Bytes turns the kiosk's trust bundle into the newest
	ItemRevoked   uint8 = 6 // Bytes is the signed list of revoked seals
	ItemSettings  uint8 = 7 // Bytes is the kiosk's signed settings
)

// Stages of a request, in receipts and items. They are the numbers of the
// outbox's states.
const (
	StageNone       uint8 = 0 // only in items that are about no request
	StageDelivered  uint8 = 3
	StageRegistered uint8 = 4
	StageRefused    uint8 = 5
	StageAnswered   uint8 = 6
	StageReturned   uint8 = 7
)

// Item is one thing on its way down.
type Item struct {
	ID    uint64   `cbor:"1,keyasint"`
	Kind  uint8    `cbor:"2,keyasint"`
	Doc   [32]byte `cbor:"3,keyasint"` // of the request; zero for catalogue and trust bundle
	Stage uint8    `cbor:"4,keyasint"`
	At    int64    `cbor:"5,keyasint"`
	Bytes []byte   `cbor:"6,keyasint"`
}

// ItemAck says that the kiosk has stored every item up to and including ID.
type ItemAck struct {
	ID uint64 `cbor:"1,keyasint"`
}

// Checkpoint carries the head of the kiosk's journal up.
type Checkpoint struct {
	Epoch [16]byte   `cbor:"1,keyasint"`
	Head  []byte     `cbor:"2,keyasint"` // C2SP signed note, signed by the kiosk: journal.Head
	From  int64      `cbor:"3,keyasint"` // size of the head that Proof starts from
	Proof [][32]byte `cbor:"4,keyasint"` // RFC 6962 consistency proof from From to the head
}

// Bye ends a session in order.
type Bye struct {
	Code  string `cbor:"1,keyasint"` // "" or why
	Retry uint   `cbor:"2,keyasint"` // seconds until the portal wants to be called again; 0: it does not mind
}

// Beacon carries the portal's signed time down.
type Beacon struct {
	Signed []byte `cbor:"1,keyasint"`
}

// Witness carries a journal head down with the portal's signature under it: the
// head that was just kept, or, after a Nack of a checkpoint, the one that the
// refused head contradicts, with the kiosk's own signature.
type Witness struct {
	Epoch [16]byte `cbor:"1,keyasint"`
	Head  []byte   `cbor:"2,keyasint"` // C2SP signed note: journal.Head
}
