/** Something that lies beside the page; what the server refuses is an error. */
export async function fetched<Value>(address: string, read: (response: Response) => Promise<Value>): Promise<Value> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: the server answered ${response.status}.`);
  return read(response);
}
