// Reads a stream of server-sent events.

/** The data of each event, until the stream ends. @throws where the answer is no event stream */
export async function* serverSentEvents(url: string): AsyncGenerator<string> {
  const response = await fetch(url, { headers: { accept: 'text/event-stream' } });
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
      if (data.length > 0) yield data.join('\n');
    }
  }
}
