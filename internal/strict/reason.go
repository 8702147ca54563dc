package strict

// Reason is why bytes are refused; [OK] is none.
type Reason uint8

// The reasons, in the order in which a request is read.
const (
	OK Reason = iota
	BadRequestLine
	BadMethod
	BadTarget
	BadVersion
	UnsupportedVersion
	LineTooLong
	BareLF
	BareCR
	ObsoleteFold
	BadFieldName
	SpaceBeforeColon
	BadFieldValue
	FieldTooLong
	TooManyFields
	HeadTooLong
	NoHost
	ManyHosts
	BadHost
	BadLength
	ManyLengths
	ManyTypes
	UnknownCoding
	ManyCodings
	LengthAndCoding
	CodingInHTTP10
	BodyTooLarge
	BadChunkSize
	BadChunkExtension
	BadChunkEnd
	BadTrailer
	EarlyBytes
	Reasons // how many there are
)

type explanation struct {
	status  int
	message string
}

var explanations = [Reasons]explanation{
	OK:                 {200, ""},
	BadRequestLine:     {400, "The request line is not method, target and version with one space between them."},
	BadMethod:          {400, "The method is not 3 to 20 capital letters, digits or token characters."},
	BadTarget:          {400, "The request target has a form that its method does not allow, or invalid characters."},
	BadVersion:         {400, "The protocol version cannot be read."},
	UnsupportedVersion: {505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."},
	LineTooLong:        {414, "The request line is longer than limit_request_line."},
	BareLF:             {400, "A line ends in LF without CR."},
	BareCR:             {400, "A CR is not followed by LF."},
	ObsoleteFold:       {400, "A header line is folded."},
	BadFieldName:       {400, "A header name has invalid characters."},
	SpaceBeforeColon:   {400, "There is white space between a header name and its colon."},
	BadFieldValue:      {400, "A header value has control characters."},
	FieldTooLong:       {431, "A header line is longer than limit_request_field_size."},
	TooManyFields:      {431, "The request has more header lines than limit_request_fields."},
	HeadTooLong:        {431, "The request's head is longer than limit_request_head."},
	NoHost:             {400, "The Host header is missing."},
	ManyHosts:          {400, "There is more than one Host header."},
	BadHost:            {400, "The Host header is not a host and port."},
	BadLength:          {400, "Content-Length is not a number."},
	ManyLengths:        {400, "There is more than one Content-Length header."},
	ManyTypes:          {400, "There is more than one Content-Type header."},
	UnknownCoding:      {501, "The only transfer coding that is understood here is chunked."},
	ManyCodings:        {400, "There is more than one Transfer-Encoding header."},
	LengthAndCoding:    {400, "The request has both Content-Length and Transfer-Encoding."},
	CodingInHTTP10:     {400, "HTTP/1.0 has no Transfer-Encoding."},
	BodyTooLarge:       {413, "The request's body is larger than limit_request_body."},
	BadChunkSize:       {400, "A chunk size is not a hexadecimal number."},
	BadChunkExtension:  {400, "A chunk extension is malformed or too long."},
	BadChunkEnd:        {400, "A chunk does not end in CRLF."},
	BadTrailer:         {400, "A trailer field may not frame or route the request."},
	EarlyBytes:         {400, "Bytes follow a request for another protocol before it was answered."},
}

// Limit says whether the request is refused for its size and not for its form.
func (r Reason) Limit() bool {
	switch r {
	case LineTooLong, FieldTooLong, TooManyFields, HeadTooLong, BodyTooLarge:
		return true
	default:
		return false
	}
}

// Status is the HTTP status of the refusal.
func (r Reason) Status() int { return explanations[r].status }

// String tells the client what is wrong. It has no characters that JSON escapes.
func (r Reason) String() string { return explanations[r].message }
