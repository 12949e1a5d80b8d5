package outbox

type writer struct{}

type memory struct{}
