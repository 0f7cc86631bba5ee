package s3xml

import "strings"

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
	w.message(e.Message)
	for _, x := range e.Extra {
		w.Text(x[0], x[1])
	}
	w.Text("Resource", e.Resource)
	w.Text("RequestId", e.RequestID)
	w.Text("HostId", e.HostID)
	w.Close("Error")
	return w.Bytes()
}

// message writes the message with its quotes as they are, as S3 does: clients look for the words of
// a policy's condition without reading the XML.
func (w *Writer) message(text string) {
	w.Open("Message")
	for i, part := range strings.Split(text, `"`) {
		if i > 0 {
			w.buf = append(w.buf, '"')
		}
		w.buf = AppendEscaped(w.buf, part)
	}
	w.Close("Message")
}
