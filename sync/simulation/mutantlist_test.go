package simulation

// mutants are what the simulation must catch. The text that they replace must be
// in the code: one that no longer is there fails the test.
var mutants = []mutant{
	// The portal and its ledger.
	{"a receipt is sent before the commit", "portal/intake.go", []string{
		"	out, err := s.p.ledger.Intake(", `	early, _ := s.durable(in, s.p.c.Now())
	eg, _ := wire.Groups(early, nil, in[0].Epoch, false)
	_ = s.conn.Send(ctx, &wire.Receipts{Groups: eg})
	out, err := s.p.ledger.Intake(`,
	}, "portal"},
	{"the same record gets a new receipt", "ledger/relational/intake.go", []string{
		"			out[i] = o\n", "			out[i] = o\n			if again, err := sign([]ledger.Incoming{r}, at); err == nil {\n				out[i].Receipt = again[0]\n			}\n",
		"sift(ctx, tx, kiosk, recs, out)", "sift(ctx, tx, kiosk, recs, out, sign, at)",
		"recs []ledger.Incoming, out []ledger.Outcome) (fresh", "recs []ledger.Incoming, out []ledger.Outcome, sign func([]ledger.Incoming, time.Time) ([][]byte, error), at time.Time) (fresh",
	}, "line"},
	{"a window of time instead of a constraint", "ledger/relational/intake.go", []string{
		"+marks(len(seqs))+`)`,\n			append([]any{kiosk, epoch[:]}, seqs...)...)",
		"+marks(len(seqs))+`) AND received > ?`,\n			append(append([]any{kiosk, epoch[:]}, seqs...), toMilli(at)-60000)...)",
		"sift(ctx, tx, kiosk, recs, out)", "sift(ctx, tx, kiosk, recs, out, at)",
		"recs []ledger.Incoming, out []ledger.Outcome) (fresh", "recs []ledger.Incoming, out []ledger.Outcome, at time.Time) (fresh",
		"look(ctx, tx, kiosk, recs)", "look(ctx, tx, kiosk, recs, at)",
		"kiosk string, recs []ledger.Incoming) (map[", "kiosk string, recs []ledger.Incoming, at time.Time) (map[",
	}, "silent"},
	{"records are told apart by number only", "ledger/relational/intake.go", []string{
		"		if o, ok := known[k]; ok {\n",
		"		o, ok := known[k]\n		for other, has := range known {\n			if other.Seq == r.Seq && !has.Fork {\n				o, ok = has, true\n			}\n		}\n		if ok {\n",
	}, "clone"},
	{"the second branch of a fork is not kept", "ledger/relational/intake.go", []string{
		"	if err := insert(ctx, tx, \"records\", columns, all); err != nil {\n",
		"	some := all[:0]\n	for _, r := range all {\n		if r[5] == int64(0) {\n			some = append(some, r)\n		}\n	}\n	if len(some) == 0 {\n		return nil\n	}\n	if err := insert(ctx, tx, \"records\", columns, some); err != nil {\n",
	}, "clone"},
	{"a fork raises no alarm", "ledger/relational/intake.go", []string{"		if r.Fork == nil {\n			continue\n		}\n		if err := raise(", "		if r.Fork != nil || r.Fork == nil {\n			continue\n		}\n		if err := raise("}, "clone"},
	{"a document is registered again", "ledger/relational/decide.go", []string{
		"	answer, known := b.known[r.Doc]\n", "	answer, known := answered{}, false\n",
		"	return insert(ctx, tx, \"requests\"", "	for _, r := range b.fresh {\n		if _, err := tx.exec(ctx, `DELETE FROM requests WHERE doc = ?`, r[1]); err != nil {\n			return err\n		}\n	}\n	return insert(ctx, tx, \"requests\"",
	}, "clone"},
	{"an item's ID is used again after a restore", "ledger/relational/counter.go", []string{
		"UPDATE counters SET last = CASE WHEN last >= ?1 THEN last + ?3 ELSE ?1 + ?3 - 1 END WHERE", "UPDATE counters SET last = last + min(?3, ?1) WHERE",
	}, "backup"},
	{"a decision is no item", "ledger/relational/decide.go", []string{"	return putItems(ctx, tx, due[0].Kiosk, its)\n", "	return nil\n"}, ""},
	{"a journal may become shorter", "portal/witness.go", []string{
		"	case h.Size < kept.Size:\n		return nil, badHead(ledger.AlarmShortened, \"%d entries, the last head kept has %d\", h.Size, kept.Size)\n", "	case h.Size < kept.Size:\n		s.head = ledger.Head{}\n		return h, nil\n",
	}, "old card"},

	// The outbox.
	{"accepted is said before the commit", "outbox/writer.go", []string{
		"	used := b.Size()\n", "	for i, p := range batch {\n		p.done <- errs[i]\n	}\n	used := b.Size()\n",
		"				p.done <- errs[i]\n			}\n			if o.ahead.due {", "				select {\n				case p.done <- errs[i]:\n				default:\n				}\n			}\n			if o.ahead.due {",
	}, "kiosk,torn"},
	{"the sealed bytes come in a second commit", "outbox/accept.go", []string{
		"s.small != nil {\n		err = t.put(in, kindSealed, t.epoch, t.seq, marshalSealed(d.Doc, s.small))", "s.small != nil {\n		_ = in",
		"	out.Code = d.Code\n", "	out.Code = d.Code\n	go func() {\n		_ = o.write(context.Background(), func(t *tx) error {\n			in, _ := t.sealedPlace(out.Epoch, out.Seq, out.Size)\n			return t.put(in, kindSealed, out.Epoch, out.Seq, marshalSealed(d.Doc, s.small))\n		})\n	}()\n",
	}, "kiosk"},
	{"a lease is not made durable", "outbox/lease.go", []string{"	if r.state() == Accepted {\n		e := journal.Entry{Kind: journal.Sent", "	if false {\n		e := journal.Entry{Kind: journal.Sent"}, ""},
	{"what was sent can be taken back", "outbox/lease.go", []string{"		case Accepted:\n		default:", "		case Accepted, Sending:\n			r.Steps = r.Steps[:1]\n		default:"}, ""},
	{"the sealed bytes go when they were sent", "outbox/lease.go", []string{
		"		r.enter(Sending, t.now)\n", "		r.enter(Sending, t.now)\n		if err := t.letGo(i); err != nil {\n			return Record{}, false, err\n		}\n",
	}, "kiosk full"},
	{"a receipt is forgotten, and the sealed bytes go", "outbox/receipt.go", []string{"	*place = bytes.Clone(in.Bytes)\n", "	*place = bytes.Clone(nil)\n"}, "kiosk full"},
	{"the cursor moves before the item is stored", "outbox/item.go", []string{
		"	return o.writeLarge(ctx, func(t *tx) error {\n		m, err := t.readMeta()", `	if len(it.Bytes) > 0 {
		err := o.write(ctx, func(t *tx) error {
			m, err := t.readMeta()
			if err != nil || it.ID <= m.Cursor {
				return err
			}
			m.Cursor = it.ID
			t.after = append(t.after, func(m *memory) { m.cursor = it.ID })
			return t.putMeta(m)
		})
		if err != nil {
			return err
		}
		return o.write(ctx, func(t *tx) error { return t.putItem(&it) })
	}
	return o.writeLarge(ctx, func(t *tx) error {
		m, err := t.readMeta()`,
	}, "kiosk"},
	{"a print that was cut short begins again, unmarked", "outbox/prints.go", []string{
		`errs = append(errs, t.endPrint(p.id, Unknown, "printer.interrupted"))`, `errs = append(errs, func() error {
				q, err := t.open(p.id)
				if err != nil {
					return err
				}
				q.r.setPrint(q.kind, Queued)
				return t.update(q.epoch, q.seq, &q.r)
			}())`,
	}, "kiosk"},
	{"a paper that came out is no reason for a mark", "outbox/prints.go", []string{"		case Printed, Unknown:\n			if !marked {", "		case Printed, Unknown:\n			if false {"}, ""},

	// Copies, salvage and restore.
	{"a restore keeps the epoch", "outbox/salvage.go", []string{"g := salvage{src: src,", "for k := range src.found {\n			if k.kind == kindMeta {\n				e = k.epoch\n			}\n		}\n		g := salvage{src: src,"}, "mirror,kiosk backup,breaks"},
	{"a paper is queued again after a salvage", "outbox/salvage.go", []string{"		if r.print(kind) != Printed { // also what was never queued: this may be an older copy\n", "		if r.print(kind) == Printing {\n"}, "kiosk backup,breaks"},
	{"a salvage lets go what waits", "outbox/salvage.go", []string{"	if r.owns(v) != nil {\n		return false, nil\n	}", "	if r.owns(v) != nil || len(v.payload)%2 == 0 {\n		return false, nil\n	}"}, "mirror,breaks"},
	{"the cursor is kept by a salvage", "outbox/salvage.go", []string{"	m := meta{Kiosk: g.o.o.Kiosk,", "	cursor := uint64(0)\n	for k := range g.found {\n		if k.kind == kindItem {\n			cursor = max(cursor, k.number)\n		}\n	}\n	m := meta{Cursor: cursor, Kiosk: g.o.o.Kiosk,"}, "old card"},

	// Full disks and quotas.
	{"a full disk is taken for success", "outbox/writer.go", []string{
		"		default:\n			for _, p := range batch {\n				p.done <- err\n			}", "		default:\n			for _, p := range batch {\n				if errors.Is(err, ErrFull) {\n					err = nil\n				}\n				p.done <- err\n			}",
	}, "kiosk disk"},
	{"a quota refusal lets the kiosk forget", "uplink/down.go", []string{
		"	if why := pauses(f.Code); why != \"\" {\n		s.u.st.pause(why, wait) // the", "	if why := pauses(f.Code); why != \"\" {\n		s.mu.Lock()\n		doc := s.waiting[k].Doc\n		s.mu.Unlock()\n		_ = s.u.c.Outbox.Receipted(context.Background(), []outbox.Receipt{{Seq: k.seq, Doc: doc, Stage: outbox.Delivered, At: time.Now(), Bytes: []byte{1}}})\n		s.u.st.pause(why, wait) // the",
		"	\"github.com/penjire/penjire/sync/edoc/trust\"\n", "	\"github.com/penjire/penjire/sync/edoc/trust\"\n	\"github.com/penjire/penjire/sync/outbox\"\n",
	}, "quota"},
	{"what a kiosk has brought is not counted", "portal/quota.go", []string{
		"	w.records.left -= float64(records)\n	w.bytes.left -= float64(bytes)\n", "",
	}, "quota"},

	// The link and sticks.
	{"receipts that do not lead to the root are believed", "wire/group.go", []string{"	if t.root() != b.Root {", "	if t.root() != b.Root && len(g.Batch) == 0 {"}, "clone"},
	{"items on a stick jump over a gap", "uplink/sticktake.go", []string{"	if t.at() < t.cursor {\n		t.Gap = true\n	}", ""}, "stick,bad stick"},
	{"an answer to another kiosk is taken", "uplink/sticktake.go", []string{"	case f.Kiosk != u.kiosk:\n", "	case false:\n"}, "second,stick"},
	{"one record that is refused ends the session", "uplink/items.go", []string{"		case !errors.Is(err, errOther): // else", "		case errors.Is(err, err): // else"}, "old card"},
}
