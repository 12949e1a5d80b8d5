package wire

import (
	"fmt"
	"slices"
)

// Type returns TypeHello.
func (*Hello) Type() Type { return TypeHello }

// Type returns TypeWelcome.
func (*Welcome) Type() Type { return TypeWelcome }

// Type returns TypeRecords.
func (*Records) Type() Type { return TypeRecords }

// Type returns TypeReceipts.
func (*Receipts) Type() Type { return TypeReceipts }

// Type returns TypeNack.
func (*Nack) Type() Type { return TypeNack }

// Type returns TypeItems.
func (*Items) Type() Type { return TypeItems }

// Type returns TypeItemAck.
func (*ItemAck) Type() Type { return TypeItemAck }

// Type returns TypeCheckpoint.
func (*Checkpoint) Type() Type { return TypeCheckpoint }

// Type returns TypeBye.
func (*Bye) Type() Type { return TypeBye }

// Type returns TypeBeacon.
func (*Beacon) Type() Type { return TypeBeacon }

// Type returns TypeWitness.
func (*Witness) Type() Type { return TypeWitness }

func (f *Hello) check() error {
	if err := checkName("kiosk", f.Kiosk, 1); err != nil {
		return err
	}
	if f.Oldest == 0 || f.Newest < f.Oldest {
		return fmt.Errorf("versions %d to %d: %w", f.Oldest, f.Newest, ErrValue)
	}
	if f.Epoch == ([16]byte{}) {
		return fmt.Errorf("epoch is zero: %w", ErrValue)
	}
	if f.Cursor > MaxItem {
		return fmt.Errorf("cursor %d: %w", f.Cursor, ErrValue)
	}
	return checkName("software", f.Software, 0)
}

func (f *Welcome) check() error {
	if f.Version == 0 {
		return fmt.Errorf("version is 0: %w", ErrValue)
	}
	if f.HeadSize < 0 || f.HeadSize == 0 && f.HeadName != [8]byte{} {
		return fmt.Errorf("head of size %d does not fit its name: %w", f.HeadSize, ErrValue)
	}
	if f.Records == 0 || f.Records > MaxRecords || f.Bytes == 0 {
		return fmt.Errorf("takes %d records of %d bytes: %w", f.Records, f.Bytes, ErrValue)
	}
	return checkName("portal", f.Portal, 1)
}

func (f *Records) check() error {
	if f.Epoch == ([16]byte{}) {
		return fmt.Errorf("epoch is zero: %w", ErrValue)
	}
	if n := len(f.Records); n == 0 {
		return fmt.Errorf("no records: %w", ErrValue)
	} else if n > MaxRecords {
		return fmt.Errorf("%d records: %w", n, ErrLimit)
	}
	for i, r := range f.Records {
		if r.Seq == 0 || len(r.Sealed) == 0 {
			return fmt.Errorf("record %d is empty: %w", i, ErrValue)
		}
		if i > 0 && r.Seq <= f.Records[i-1].Seq {
			return fmt.Errorf("record %d is out of order: %w", i, ErrValue)
		}
		if err := checkName("service", r.Service, 1); err != nil {
			return err
		}
		if err := checkName("language", r.Lang, 1); err != nil {
			return err
		}
	}
	return nil
}

func (f *Receipts) check() error { return checkGroups(f.Groups, false) }

// checkGroups wants at least one receipt, and not more than fit into a frame.
func checkGroups(gs []Group, decisions bool) error {
	for i := range gs {
		if err := gs[i].check(decisions); err != nil {
			return fmt.Errorf("group %d: %w", i, err)
		}
	}
	if n := countSlips(gs); n == 0 {
		return fmt.Errorf("no receipts: %w", ErrValue)
	} else if n > MaxRecords {
		return fmt.Errorf("%d receipts: %w", n, ErrLimit)
	}
	return nil
}

func (f *Nack) check() error {
	record := f.Of == TypeRecords || f.Of == TypeLarge
	if !record && f.Of != TypeCheckpoint && f.Of != TypeItems {
		return fmt.Errorf("of %s: %w", f.Of, ErrValue)
	}
	if record != (f.Seq != 0) {
		return fmt.Errorf("sequence %d of %s: %w", f.Seq, f.Of, ErrValue)
	}
	return checkName("code", f.Code, 1)
}

func (f *Items) check() error {
	if len(f.Decisions) > 0 {
		if err := checkGroups(f.Decisions, true); err != nil {
			return err
		}
	}
	var ids []uint64
	for i, it := range f.Items {
		if it.ID == 0 || i > 0 && it.ID <= f.Items[i-1].ID {
			return fmt.Errorf("item %d is out of order: %w", i, ErrValue)
		}
		if it.Kind < ItemAnswer || it.Kind > ItemSettings || (it.Kind == ItemAnswer) == (it.Doc == [32]byte{}) {
			return fmt.Errorf("item %d of kind %d: %w", i, it.Kind, ErrValue)
		}
		about := it.Kind == ItemAnswer
		if about != (it.Stage >= StageRegistered && it.Stage <= StageReturned) || !about && it.Stage != StageNone {
			return fmt.Errorf("item %d at stage %d: %w", i, it.Stage, ErrValue)
		}
		if len(it.Bytes) == 0 {
			return fmt.Errorf("item %d is empty: %w", i, ErrValue)
		}
		ids = append(ids, it.ID)
	}
	for _, g := range f.Decisions {
		for _, s := range g.Slips {
			ids = append(ids, s.ID)
		}
	}
	if n := len(ids); n == 0 {
		return fmt.Errorf("no items: %w", ErrValue)
	} else if n > MaxItems {
		return fmt.Errorf("%d items: %w", n, ErrLimit)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != f.Count() {
		return fmt.Errorf("an item is there twice: %w", ErrValue)
	}
	return nil
}

func (f *ItemAck) check() error {
	if f.ID == 0 {
		return fmt.Errorf("item 0: %w", ErrValue)
	}
	return nil
}

func (f *Checkpoint) check() error {
	if f.Epoch == ([16]byte{}) || len(f.Head) == 0 || f.From < 0 {
		return fmt.Errorf("head of %d bytes from %d: %w", len(f.Head), f.From, ErrValue)
	}
	if len(f.Proof) > MaxProof {
		return fmt.Errorf("proof of %d hashes: %w", len(f.Proof), ErrLimit)
	}
	return nil
}

func (f *Bye) check() error { return checkName("code", f.Code, 0) }

func (f *Beacon) check() error {
	if len(f.Signed) == 0 {
		return fmt.Errorf("nothing signed: %w", ErrValue)
	}
	return nil
}

func (f *Witness) check() error {
	if f.Epoch == ([16]byte{}) || len(f.Head) == 0 {
		return fmt.Errorf("witnessed head of %d bytes: %w", len(f.Head), ErrValue)
	}
	return nil
}

// checkName wants at least min and at most MaxName printable ASCII bytes
// without spaces, so that names can go into logs and files as they are.
func checkName(what, s string, least int) error {
	if len(s) < least || len(s) > MaxName {
		return fmt.Errorf("%s of %d bytes: %w", what, len(s), ErrValue)
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("%s holds the byte %#02x: %w", what, c, ErrValue)
		}
	}
	return nil
}
