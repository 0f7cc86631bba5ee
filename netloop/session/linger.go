package session

import "time"

// LingerMax is how long a connection that is to end stays open at most while its client has not
// acknowledged all of its answers: a close with bytes of the client unread would destroy them (RFC
// 9112, 9.6). One that has is closed after Limits.ShutdownLinger.
const LingerMax = 5 * time.Second
