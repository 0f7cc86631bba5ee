package s3xml

// Error is an error answer (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
type Error struct {
	Code, Message, Resource, RequestID, HostID string
	// Extra are elements particular to the code, as name and value.
	Extra [][2]string
}

// AppendError writes e into buf and returns the document. Unlike the other answers it has no
// namespace.
func AppendError(buf []byte, e Error) []byte {
	w := NewWriter(buf)
	w.Open("Error")
	w.Text("Code", e.Code)
	w.Text("Message", e.Message)
	for _, x := range e.Extra {
		w.Text(x[0], x[1])
	}
	w.Text("Resource", e.Resource)
	w.Text("RequestId", e.RequestID)
	w.Text("HostId", e.HostID)
	w.Close("Error")
	return w.Bytes()
}
