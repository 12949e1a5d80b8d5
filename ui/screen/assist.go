package screen

// AssistWhy says why requests are still here, for the assistant.
func (p *page) AssistWhy() string {
	return p.TOr("assist.why."+p.Assist.Why, "assist.why.unknown", p.moment())
}

// AssistDo says what to do about it.
func (p *page) AssistDo() string {
	return p.TOr("assist.do."+p.Assist.Why, "assist.do.unknown", p.moment())
}

func (p *page) moment() string { return p.book.Moment(p.Assist.Until, p.Assist.Today) }

// Stick says why the memory stick did not take everything.
func (p *page) Stick(code string) string { return p.TOr("assist."+code, "assist.stick.failed") }
