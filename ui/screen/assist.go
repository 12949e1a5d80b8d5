package screen

// AssistWhy says why requests are still here, for the assistant.
func (p *page) AssistWhy() string {
	return p.TOr("assist.why."+p.Assist.Why, "assist.why.unknown", p.moment())
}

// AssistDo says what to do about it.
func (p *page) AssistDo() string {
	return p.TOr("assist.do."+p.Assist.Why, "assist.do.unknown", p.moment())
}

// UpdateMB is how large the new software is, in millions of bytes.
func (p *page) UpdateMB() int64 { return mb(p.Assist.Update.Size) }

// FetchMB is how much of it comes over the network, in millions of bytes.
func (p *page) FetchMB() int64 { return mb(p.Assist.Update.Fetch) }

func mb(n int64) int64 { return (n + 999_999) / 1_000_000 }

// UpdateBad reports whether what is told of new software is not as it should be.
func (p *page) UpdateBad() bool {
	u := p.Assist.Update
	return u.State == UpdateRefused || u.State == UpdateEnded && u.Code != "update.good"
}

// TicketWords says what became of the status ticket.
func (p *page) TicketWords() string {
	return p.TOr("assist.ticket."+p.Assist.Ticket.Code, "assist.ticket.failed")
}

func (p *page) moment() string { return p.book.Moment(p.Assist.Until, p.Assist.Today) }

// Ticket says what became of a service ticket.
func (p *page) Ticket(code string) string {
	return p.TOr("assist.service."+code, "assist.service.failed")
}

// TicketDone reports whether what a service ticket allows was done.
func (p *page) TicketDone(code string) bool {
	return code == "support" || code == "verbose" || code == "decommission"
}

// Stick says why the memory stick did not take everything.
func (p *page) Stick(code string) string { return p.TOr("assist."+code, "assist.stick.failed") }
