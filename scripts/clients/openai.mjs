// OpenAI's Node client against a running webchasor, whose upstream does what the
// model's name says; app/api/clients/node_test.go starts both. A check that fails throws.
import assert from "node:assert/strict";
import OpenAI from "openai";

const baseURL = process.env.WEBCHASOR_URL;
assert.ok(baseURL, "WEBCHASOR_URL is not set");
const client = (options = {}) => new OpenAI({ baseURL, apiKey: "sk-client", maxRetries: 0, timeout: 60_000, ...options });
const messages = [{ role: "user", content: "hello" }];
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } }];

const checks = {
  async "the models are listed"() {
    const ids = [];
    for await (const model of client().models.list()) ids.push(model.id);
    assert.ok(ids.length > 0, "no models");
  },

  async "a plain answer"() {
    const got = await client().chat.completions.create({ model: "plain", messages });
    assert.equal(got.choices[0].message.content, "one two three");
    assert.ok(got.usage.total_tokens > 0);
  },

  async "a stream"() {
    let text = "";
    const stream = await client().chat.completions.create({ model: "plain", messages, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
    assert.equal(text, "one two three");
  },

  // The Go side sees that the upstream was left.
  async "a stream is aborted"() {
    const stream = await client().chat.completions.create({ model: "endless", messages, stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break; // aborts the request
    }
    assert.ok(stream.controller.signal.aborted);
  },

  async "an answer is aborted before it begins"() {
    const controller = new AbortController();
    const asked = client().chat.completions.create({ model: "silent", messages }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    await assert.rejects(asked, OpenAI.APIUserAbortError);
  },

  async "a tool is called"() {
    const got = await client().chat.completions.create({ model: "tool", messages, tools });
    const call = got.choices[0].message.tool_calls[0];
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ["weather", { city: "Ulm" }]);
  },

  async "a tool is called in a stream"() {
    const run = client().chat.completions.stream({ model: "tool", messages, tools });
    const got = await run.finalChatCompletion();
    const call = got.choices[0].message.tool_calls[0];
    assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ["weather", { city: "Ulm" }]);
  },

  async "a response"() {
    const got = await client().responses.create({ model: "plain", input: "hello" });
    assert.equal(got.output_text, "one two three");
  },

  async "errors have their classes and codes"() {
    const chat = (model) => client().chat.completions.create({ model, messages });
    await assert.rejects(chat("fails-400"), (e) => e instanceof OpenAI.BadRequestError && e.code === "scripted_400");
    // The gateway's key is wrong there, not the client's here.
    await assert.rejects(chat("fails-401"), (e) => e.status === 502 && e.code === "upstream_auth_failed");
    await assert.rejects(chat("fails-404"), (e) => e instanceof OpenAI.NotFoundError);
    await assert.rejects(chat("fails-429"), (e) => e instanceof OpenAI.RateLimitError && e.code === "scripted_429");
    await assert.rejects(chat("fails-500"), (e) => e instanceof OpenAI.InternalServerError);
    await assert.rejects(chat("breaks"), (e) => e instanceof OpenAI.InternalServerError && e.status === 502 && e.code === "upstream_broken");
    await assert.rejects(client().chat.completions.create({ model: "plain" }), (e) =>
      e instanceof OpenAI.BadRequestError && e.code === "missing_required_parameter" && e.param === "messages");
  },

  async "a stream that breaks is an error"() {
    const stream = await client().chat.completions.create({ model: "breaks-inside", messages, stream: true });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.ok(chunk.id);
    }, (e) => e instanceof OpenAI.APIError && e.code === "upstream_broken");
  },

  // The Go side counts the requests.
  async "what is refused for now is repeated"() {
    for (const model of ["later-429", "later-503"]) {
      const got = await client({ maxRetries: 2 }).chat.completions.create({ model, messages });
      assert.equal(got.choices[0].message.content, "at last");
    }
  },

  // The refusal is the gateway's own here: it has one permit, and somebody holds it
  // until the client has been refused. The Go side sees that it came again.
  async "a full gateway is asked again"() {
    for (const baseURL of [process.env.WEBCHASOR_FULL_503, process.env.WEBCHASOR_FULL_429]) {
      const holder = new AbortController();
      const held = client({ baseURL, maxRetries: 10 }).chat.completions.create({ model: "silent", messages }, { signal: holder.signal }).catch((e) => e);
      const plain = () => client({ baseURL }).chat.completions.create({ model: "plain", messages });
      const status = baseURL === process.env.WEBCHASOR_FULL_503 ? 503 : 429;
      for (;;) { // until the holder has the permit
        const got = await plain().catch((e) => e);
        if (got.status === status) break;
        assert.ok(got.choices, `${got}`);
      }
      let refused = 0;
      const fetcher = async (...request) => {
        const response = await fetch(...request);
        if (response.status === status && ++refused === 1) holder.abort();
        return response;
      };
      const got = await client({ baseURL, maxRetries: 10, fetch: fetcher }).chat.completions.create({ model: "plain", messages });
      assert.equal(got.choices[0].message.content, "one two three");
      assert.ok(refused >= 1, "it was not refused");
      assert.ok((await held) instanceof OpenAI.APIUserAbortError);
    }
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check().catch((e) => {
    console.error(`FAIL ${name}`);
    throw e;
  });
  console.log(`ok ${name}`);
}
