"""The clients of OpenAI, Anthropic and LangChain talk to a real model through the gateway.

Environment: DOMAIN, ADA (a token that may call `smol`), BOB (one that may call nothing), SSL_CERT_FILE.
"""

import os

import anthropic
import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

BASE = f"https://{os.environ['DOMAIN']}"
ASKED = [{"role": "user", "content": "What is the capital of France?"}]
# It takes what is most likely: the same words each time (Anthropic's client has no such parameter; the model's own is 0).
SURE = {"temperature": 0}


def refused(kind, call, status, code=None):
    try:
        call()
    except kind as error:
        assert error.status_code == status and (code is None or error.code == code), error
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def with_openai():
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=os.environ["ADA"], max_retries=0)
    whole = client.chat.completions.create(model="smol", messages=ASKED, max_tokens=12, **SURE)
    text, used = whole.choices[0].message.content, whole.usage
    assert "Paris" in text and whole.choices[0].finish_reason == "stop", whole
    assert 5 < used.prompt_tokens < 60 and 3 < used.completion_tokens <= 12, used
    for options, told in [({}, 0), ({"stream_options": {"include_usage": True}}, 1)]:
        chunks = list(client.chat.completions.create(model="smol", messages=ASKED, max_tokens=12, stream=True, **SURE, **options))
        pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
        assert "".join(pieces) == text and len([piece for piece in pieces if piece]) > 2, chunks
        usages = [chunk.usage for chunk in chunks if chunk.usage]
        assert len(usages) == told and all(usage.total_tokens == used.total_tokens for usage in usages), chunks
    # The cap of the file, below what is asked for.
    capped = client.chat.completions.create(model="smol", messages=[{"role": "user", "content": "Count to one hundred."}], max_tokens=500, **SURE)
    assert capped.choices[0].finish_reason == "length" and capped.usage.completion_tokens == 16, capped
    # Who leaves in the middle leaves the model to the next.
    for chunk in client.chat.completions.create(model="smol", messages=ASKED, stream=True, **SURE):
        break
    vectors = client.embeddings.create(model="smol", input=["a cat", "a dog"])
    assert len(vectors.data) == 2 and len(vectors.data[0].embedding) > 100 and vectors.usage.prompt_tokens > 2
    wrong = refused(openai.BadRequestError, lambda: client.chat.completions.create(model="smol", messages=ASKED, temperature=7), 400)
    assert wrong.param == "temperature" and "from 0 to 2" in wrong.message, wrong
    bob = openai.OpenAI(base_url=f"{BASE}/v1", api_key=os.environ["BOB"], max_retries=0)
    refused(openai.NotFoundError, lambda: bob.chat.completions.create(model="smol", messages=ASKED), 404, "model_not_found")
    return text


def with_anthropic(text):
    client = anthropic.Anthropic(base_url=BASE, auth_token=os.environ["ADA"], api_key=None, max_retries=0)
    whole = client.messages.create(model="smol", max_tokens=12, messages=ASKED)
    assert whole.content[0].text == text and whole.stop_reason == "end_turn", whole
    assert whole.usage.input_tokens > 5 and whole.usage.output_tokens > 3, whole.usage
    blocks = [{"type": "text", "text": "You are a geographer."}]
    with client.messages.stream(model="smol", max_tokens=4, system=blocks, messages=ASKED) as stream:
        said = "".join(stream.text_stream)
        last = stream.get_final_message()
    assert said and last.content[0].text == said and last.stop_reason == "max_tokens", last
    assert last.usage.output_tokens == 4 and last.usage.input_tokens > whole.usage.input_tokens, last.usage
    refused(anthropic.BadRequestError, lambda: client.messages.create(model="smol", max_tokens=4, messages=[]), 400)


def with_langchain(text):
    chat = ChatOpenAI(base_url=f"{BASE}/v1", api_key=os.environ["ADA"], model="smol", max_tokens=12, stream_usage=True, max_retries=0, **SURE)
    whole = chat.invoke([HumanMessage(ASKED[0]["content"])])
    assert whole.content == text and whole.usage_metadata["output_tokens"] > 3, whole
    pieces = None
    for piece in chat.stream([HumanMessage(ASKED[0]["content"])]):
        pieces = piece if pieces is None else pieces + piece
    assert pieces.content == text and pieces.usage_metadata == whole.usage_metadata, pieces
    embeddings = OpenAIEmbeddings(base_url=f"{BASE}/v1", api_key=os.environ["ADA"], model="smol", check_embedding_ctx_length=False)
    assert embeddings.embed_query("a cat") != embeddings.embed_query("a dog")


said = with_openai()
with_anthropic(said)
with_langchain(said)
print("the story is told")
