/**
 * HTTP clients of several languages that upload something and tell which status they were given:
 * programs of their own, because each reads and writes in its own way.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { missingProgram } from './missing-program.ts'

const run = promisify(execFile)

export interface Upload {
  readonly url: string
  readonly bytes: number
  /** How many, one after the other, each on a connection of its own. */
  readonly times: number
  /** PEM file of the authority to trust. */
  readonly caFile: string
}

export interface UploadClient {
  readonly name: string
  /** `false`, or what is missing here. */
  readonly missing: string | false
  /** @returns What became of each: a status, or the name of an error. */
  readonly upload: (upload: Upload) => Promise<readonly string[]>
}

/** Reads URL, bytes, times and the file of the authority from its arguments, as all of them do. */
const NODE_HTTP = `
const { readFileSync } = require('node:fs')
const [url, bytes, times, ca] = process.argv.slice(1)
const { request, Agent } = require(url.startsWith('https') ? 'node:https' : 'node:http')
const body = Buffer.alloc(Number(bytes))
const once = () => new Promise((resolve) => {
  const agent = new Agent({ keepAlive: true })
  const options = { method: 'POST', agent, ca: readFileSync(ca) }
  const sent = request(url, options, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part) => { text += part })
    response.on('end', () => resolve(text === '' ? 'empty' : String(response.statusCode)))
    response.on('error', (error) => resolve(error.code))
  })
  sent.on('error', (error) => resolve(error.code))
  sent.end(body)
})
const all = async () => { for (let n = 0; n < times; n += 1) console.log(await once()) }
all().then(() => process.exit())
`

const NODE_FETCH = `
const [url, bytes, times] = process.argv.slice(1)
const body = new Uint8Array(Number(bytes))
const once = async () => {
  const response = await fetch(url, { method: 'POST', body })
  return (await response.text()) === '' ? 'empty' : String(response.status)
}
const all = async () => {
  for (let n = 0; n < times; n += 1) {
    console.log(await once().catch((error) => error.cause?.code ?? error.message))
  }
}
all()
`

const PYTHON_REQUESTS = `
import requests, sys
url, size, times, ca = sys.argv[1:]
for _ in range(int(times)):
    try:
        answer = requests.post(url, data=b'x' * int(size), verify=ca)
        print(answer.status_code if answer.text else 'empty')
    except requests.exceptions.RequestException as error:
        print(type(error).__name__)
`

/** Sends \`Connection: close\`. */
const PYTHON_URLLIB = `
import ssl, sys, urllib.request, urllib.error
url, size, times, ca = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
for _ in range(int(times)):
    try:
        urllib.request.urlopen(url, data=b'x' * int(size), context=trust)
        print('served')
    except urllib.error.HTTPError as error:
        print(error.code if error.read() else 'empty')
    except Exception as error:
        print(type(error).__name__)
`

const GO = `
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

func main() {
	size, _ := strconv.Atoi(os.Args[2])
	times, _ := strconv.Atoi(os.Args[3])
	pem, _ := os.ReadFile(os.Args[4])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	for n := 0; n < times; n++ {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
		client := &http.Client{Transport: transport}
		body := bytes.NewReader(make([]byte, size))
		answer, err := client.Post(os.Args[1], "application/octet-stream", body)
		if err != nil {
			fmt.Println("failed")
			continue
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil || len(text) == 0 {
			fmt.Println("empty")
		} else {
			fmt.Println(answer.StatusCode)
		}
	}
}
`

/** @param directory Where a program may be built. */
export function uploadClients(directory: string): readonly UploadClient[] {
  return [
    ofScript('Node http', process.execPath, ['-e', NODE_HTTP, '--']),
    ofScript('Node fetch', process.execPath, ['-e', NODE_FETCH, '--']),
    ofScript('Python requests', 'python3', ['-c', PYTHON_REQUESTS], ['-c', 'import requests']),
    ofScript('Python urllib', 'python3', ['-c', PYTHON_URLLIB], ['-V']),
    { ...ofScript('curl', 'curl', [], ['-V']), upload: byCurl },
    { ...ofScript('Go net/http', 'go', [], ['version']), upload: byGo(directory) },
  ]
}

function ofScript(
  name: string,
  command: string,
  args: readonly string[],
  probe: readonly string[] = ['-v'],
): UploadClient {
  return {
    name,
    missing: missingProgram(command, probe, name),
    upload: (upload) => statuses(command, [...args, ...argumentsOf(upload)], upload),
  }
}

function argumentsOf({ url, bytes, times, caFile }: Upload): readonly string[] {
  return [url, String(bytes), String(times), caFile]
}

async function statuses(
  command: string,
  args: readonly string[],
  { caFile }: Upload,
): Promise<readonly string[]> {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: caFile }
  const { stdout } = await run(command, args, { env })
  return stdout.trim().split('\n')
}

function byGo(directory: string): UploadClient['upload'] {
  return async (upload) => {
    const source = join(directory, 'upload.go')
    const program = join(directory, 'upload')
    writeFileSync(source, GO)
    await run('go', ['build', '-o', program, source], {
      env: { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off', CGO_ENABLED: '0' },
    })
    return statuses(program, argumentsOf(upload), upload)
  }
}

/** Without \`Expect\`, which would have it wait for the answer. */
async function byCurl({ url, bytes, times, caFile }: Upload): Promise<readonly string[]> {
  const options = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', caFile]
  const results: string[] = []
  for (let count = 0; count < times; count += 1) {
    const curl = run('curl', [...options, '-H', 'Expect:', '--data-binary', '@-', url])
    curl.child.stdin?.on('error', () => {})
    curl.child.stdin?.end(Buffer.alloc(bytes))
    results.push(await curl.then(({ stdout }) => stdout).catch(() => 'failed'))
  }
  return results
}
