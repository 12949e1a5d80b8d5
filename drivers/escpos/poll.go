package escpos

import "context"

// poll asks for the status while a job is under way. The picture itself may hold
// bytes that a printer takes for a question of DLE EOT 1 to 4, and answers; those
// answers do not say what was asked. So a round of them counts only if it has
// exactly as many answers as questions, and a problem only if two rounds in a row
// show it, and so a hot head, for which the job waits. Answers of other dialects
// say all by themselves: they have been noted when they came.
type poll struct {
	s    *session
	got  [][]byte
	seen error
	hot  bool // in the last round
}

func (p *poll) push(r reply) {
	if p.s.dl.kind == realTime {
		p.got = append(p.got, r.data)
	}
}

// look judges the round that has ended and begins another.
func (p *poll) look(ctx context.Context) error {
	if len(p.got) > 0 && len(p.got) == len(p.s.dl.asks) {
		st := p.s.dl.read(p.got)
		now := st.problem()
		if now != nil && p.seen != nil {
			return now
		}
		if st.hot == p.hot {
			p.s.setHot(st.hot)
		}
		p.seen, p.hot = now, st.hot
	}
	p.got = nil
	var b []byte
	for _, q := range p.s.dl.asks {
		b = append(b, q...)
	}
	if err := p.s.write(ctx, stallTimeout, b); err != nil && !paperTrouble(err) {
		return err
	}
	return nil
}
