import groovy.json.JsonOutput;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a build knows besides its program: where it is, in which container, with which variables; and its shell.
 *
 * Each thing that happens is a line of JSON on standard output. Nothing is masked, so that a test sees what Jenkins would have to mask.
 */
final class Build {
    private static final String SHELL = "/bin/sh";
    private final Map<?, ?> given;
    private final Path workspace;
    private final Deque<Map<?, ?>> frames = new ArrayDeque<>();

    /** Takes {workspace, script, environment, containers: {name: variables}, credentials: {id: values}}. */
    Build(Map<?, ?> given) {
        this.given = given;
        this.workspace = Path.of((String) given.get("workspace"));
    }

    String script() {
        return (String) given.get("script");
    }

    Path place(String path) {
        return workspace.resolve(path);
    }

    Object answer(Map<?, ?> asked) throws IOException, InterruptedException {
        switch ((String) asked.get("step")) {
            case "enter":
                frames.push(checked(asked));
                return null;
            case "leave":
                frames.pop();
                return null;
            case "env":
                return environment();
            case "sh":
                return shell(asked);
            default:
                say(asked);
                return null;
        }
    }

    void say(Map<?, ?> event) {
        System.out.println(JsonOutput.toJson(event));
    }

    /** Refuses a container or a credential that nobody has declared, as Jenkins would. */
    private Map<?, ?> checked(Map<?, ?> frame) {
        if (frame.containsKey("container")) {
            entry("containers", frame.get("container"));
        }
        if (frame.containsKey("credentials")) {
            for (Object binding : (List<?>) frame.get("credentials")) {
                entry("credentials", ((Map<?, ?>) binding).get("credentialsId"));
            }
        }
        return frame;
    }

    private Map<?, ?> entry(String kind, Object name) {
        Map<?, ?> found = (Map<?, ?>) ((Map<?, ?>) given.get(kind)).get(name);
        if (found == null) {
            throw new IllegalArgumentException("the pod and the credentials have no " + name + " among " + kind);
        }
        return found;
    }

    private Map<String, String> environment() {
        Map<String, String> all = new LinkedHashMap<>();
        put(all, (Map<?, ?>) given.get("environment"));
        for (Iterator<Map<?, ?>> outermost = frames.descendingIterator(); outermost.hasNext(); ) {
            Map<?, ?> frame = outermost.next();
            if (frame.containsKey("container")) {
                put(all, entry("containers", frame.get("container")));
            }
            if (frame.containsKey("env")) {
                for (Object pair : (List<?>) frame.get("env")) {
                    String[] parts = pair.toString().split("=", 2);
                    all.put(parts[0], parts[1]);
                }
            }
            if (frame.containsKey("credentials")) {
                for (Object binding : (List<?>) frame.get("credentials")) {
                    bind(all, (Map<?, ?>) binding);
                }
            }
        }
        return all;
    }

    private static void put(Map<String, String> all, Map<?, ?> more) {
        more.forEach((name, value) -> all.put((String) name, (String) value));
    }

    private void bind(Map<String, String> all, Map<?, ?> binding) {
        Map<?, ?> secret = entry("credentials", binding.get("credentialsId"));
        Map<String, String> variables = Map.of("variable", "secret", "usernameVariable", "username", "passwordVariable", "password",
            "keyFileVariable", "keyFile");
        variables.forEach((option, part) -> {
            if (binding.containsKey(option)) {
                all.put((String) binding.get(option), (String) secret.get(part));
            }
        });
    }

    private Map<String, Object> shell(Map<?, ?> asked) throws IOException, InterruptedException {
        String container = "";
        Path folder = workspace;
        for (Iterator<Map<?, ?>> outermost = frames.descendingIterator(); outermost.hasNext(); ) {
            Map<?, ?> frame = outermost.next();
            container = frame.containsKey("container") ? (String) frame.get("container") : container;
            folder = frame.containsKey("dir") ? folder.resolve((String) frame.get("dir")) : folder;
        }
        boolean wanted = Boolean.TRUE.equals(asked.get("returnStdout"));
        // Jenkins traces each command, with its variables replaced.
        ProcessBuilder builder = new ProcessBuilder(SHELL, "-xec", asked.get("script").toString()).directory(folder.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment());
        File out = File.createTempFile("out", null);
        File err = File.createTempFile("err", null);
        try {
            int code = builder.redirectOutput(out).redirectError(err).start().waitFor();
            String said = Files.readString(out.toPath(), StandardCharsets.UTF_8);
            String log = (wanted ? "" : said) + Files.readString(err.toPath(), StandardCharsets.UTF_8);
            Map<String, Object> event = new LinkedHashMap<>();
            event.put("step", "sh");
            event.put("container", container);
            event.put("command", asked.get("script").toString());
            event.put("code", code);
            event.put("log", log);
            say(event);
            return new LinkedHashMap<>(Map.of("code", code, "out", said));
        } finally {
            out.delete();
            err.delete();
        }
    }
}
