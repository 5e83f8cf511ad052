namespace TwinTrack.Router.Config;

/// <summary>A node of a configuration: a place of the schema with what was set there.</summary>
internal sealed class ConfigNode(SchemaNode schema, string name)
{
    private readonly SortedDictionary<string, ConfigNode> _children = new(StringComparer.Ordinal);

    /// <summary>Where in the schema it stands.</summary>
    public SchemaNode Schema { get; } = schema;

    /// <summary>Its word, or the name of an instance.</summary>
    public string Name { get; } = name;

    /// <summary>Values of a leaf.</summary>
    public List<string> Values { get; } = [];

    /// <summary>Nodes in it, by name.</summary>
    public IEnumerable<ConfigNode> Children => _children.Values;

    /// <summary>A new, empty configuration.</summary>
    public static ConfigNode Empty() => new(Config.Schema.Root, "");

    /// <summary>A copy that can change alone.</summary>
    public ConfigNode Clone()
    {
        var copy = new ConfigNode(Schema, Name);
        copy.Values.AddRange(Values);
        foreach (ConfigNode child in Children) copy._children.Add(child.Name, child.Clone());
        return copy;
    }

    /// <summary>The node behind some words; null when it is not set.</summary>
    public ConfigNode? At(params ReadOnlySpan<string> path)
    {
        ConfigNode? node = this;
        foreach (string word in path) node = node?._children.GetValueOrDefault(word);
        return node;
    }

    /// <summary>The value of a leaf behind some words.</summary>
    public string? ValueAt(params ReadOnlySpan<string> path) => At(path)?.Values.FirstOrDefault();

    /// <summary>The values behind some words.</summary>
    public IReadOnlyList<string> ValuesAt(params ReadOnlySpan<string> path) => At(path)?.Values ?? [];

    /// <summary>Names of the instances behind some words.</summary>
    public IEnumerable<string> NamesAt(params ReadOnlySpan<string> path) =>
        At(path)?.Children.Select(child => child.Name) ?? [];

    /// <summary>Sets what a path says.</summary>
    /// <returns>False if it was there already.</returns>
    public bool Set(ConfigPath path)
    {
        bool isNew = false;
        ConfigNode node = this;
        foreach (PathStep step in path.Steps)
        {
            if (!node._children.TryGetValue(step.Name, out ConfigNode? next))
            {
                next = new ConfigNode(step.Schema, step.Name);
                node._children.Add(step.Name, next);
                isNew = true;
            }

            node = next;
        }

        foreach (string value in path.Values)
        {
            if (node.Values.Contains(value)) continue;
            if (node.Schema.Kind == NodeKind.Leaf) node.Values.Clear();
            node.Values.Add(value);
            isNew = true;
        }

        return isNew;
    }

    /// <summary>Deletes what a path says, and nodes that only led to it.</summary>
    /// <returns>False if nothing was there.</returns>
    public bool Delete(ConfigPath path) => Delete(path, 0);

    private bool Delete(ConfigPath path, int depth)
    {
        string word = path.Steps[depth].Name;
        if (!_children.TryGetValue(word, out ConfigNode? child)) return false;
        if (depth + 1 < path.Steps.Count)
        {
            if (!child.Delete(path, depth + 1)) return false;
            bool isKept = child._children.Count > 0 || child.Schema.Kind == NodeKind.Node && IsInstanceOf(child);
            if (!isKept) _children.Remove(word);
            return true;
        }

        if (path.Values.Count == 0) return _children.Remove(word);
        bool isDeleted = child.Values.RemoveAll(path.Values.Contains) > 0;
        if (child.Values.Count == 0) _children.Remove(word);
        return isDeleted;
    }

    // A deleted value leaves the instance it was in.
    private bool IsInstanceOf(ConfigNode child) => Schema.Kind == NodeKind.Tag && child.Name.Length > 0;
}
