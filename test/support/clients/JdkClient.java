// Sends requests as the HttpClient of the JDK does by default, and prints a line for each answer.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

public class JdkClient {
  public static void main(String[] words) throws Exception {
    String origin = words[0];
    HttpClient client = HttpClient.newHttpClient();
    for (int count = 0; count < Integer.parseInt(words[1]); count += 1) {
      tell("get", client, request(origin + "/").GET());
    }
    tell("expect", client, request(origin + "/upload").expectContinue(true).POST(body(200_000)));
    tell("small", client, request(origin + "/upload").expectContinue(true).POST(body(5)));
    tell("after", client, request(origin + "/").GET());
    tell("propfind", client, request(origin + "/dav").method("PROPFIND", body(5)));
  }

  static HttpRequest.Builder request(String url) {
    return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(10));
  }

  static HttpRequest.BodyPublisher body(int length) {
    return BodyPublishers.ofString("x".repeat(length));
  }

  static void tell(String name, HttpClient client, HttpRequest.Builder request) {
    try {
      System.out.println(name + " " + client.send(request.build(), BodyHandlers.ofString()).statusCode());
    } catch (Exception error) {
      System.out.println(name + " " + error);
    }
  }
}
