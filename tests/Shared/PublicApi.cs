using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace TwinTrack.Testing;

/// <summary>Everything an assembly offers to others, as text: one line a member, in a fixed order.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>
    /// Compares an assembly with its snapshot; a difference is left in artifacts/api for a look and a copy.
    /// </summary>
    public static void AssertUnchanged(Assembly assembly)
    {
        string name = assembly.GetName().Name + ".txt";
        string actual = Describe(assembly);
        string expected = Repository.Read(Path.Combine("tests", "golden", "api", name));
        if (string.Equals(expected, actual, StringComparison.Ordinal)) return;

        string folder = Path.Combine(Repository.Root, "artifacts", "api");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, name), actual);
        Assert.Fail(
            $"The public API changed. To accept it: cp artifacts/api/{name} tests/golden/api/ (first difference: "
            + FirstDifference(expected, actual) + ")");
    }

    private static string FirstDifference(string expected, string actual)
    {
        HashSet<string> known = [.. expected.Split('\n')];
        return actual.Split('\n').FirstOrDefault(line => !known.Contains(line)) ?? "lines are missing";
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(type.FullName).Append('\n');
            IEnumerable<string> members = type.IsEnum
                ? Enum.GetNames(type).Select(name => $"{name} = {Number(type, name)}")
                : type.GetMembers(Declared).Where(IsOurs).Select(Line).Order(StringComparer.Ordinal);
            foreach (string member in members) text.Append("    ").Append(member).Append('\n');
        }

        return text.ToString();
    }

    private static string Kind(Type type) =>
        type.IsEnum ? "enum"
        : type.IsSubclassOf(typeof(Delegate)) ? "delegate"
        : type.IsByRefLike ? "ref struct"
        : type.IsValueType ? "struct"
        : type.IsAbstract && type.IsSealed ? "static class"
        : type.IsInterface ? "interface"
        : "class";

    private static string Number(Type type, string name) =>
        Convert.ToDecimal(Enum.Parse(type, name), CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);

    // Accessors show as their property; what the compiler adds to records and delegates is not ours.
    private static bool IsOurs(MemberInfo member) =>
        !member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        && member is not (MethodBase { IsSpecialName: true } and not ConstructorInfo)
        && (member.DeclaringType?.IsSubclassOf(typeof(Delegate)) != true || member.Name is "Invoke");

    private static string Line(MemberInfo member) => member switch
    {
        FieldInfo { IsLiteral: true } field =>
            $"const {Name(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}",
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        PropertyInfo property => $"{Name(property.PropertyType)} {property.Name} {{ {Accessors(property)} }}",
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        MethodInfo method =>
            $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)} {method.Name}({Parameters(method)})",
        _ => member.ToString() ?? member.Name,
    };

    private static string Accessors(PropertyInfo property) =>
        (property.GetMethod?.IsPublic == true ? "get; " : "") + (property.SetMethod?.IsPublic == true ? "set;" : "");

    private static string Parameters(MethodBase method) => string.Join(
        ", ",
        method.GetParameters().Select(parameter =>
            $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.IsOptional ? " = ?" : "")}"));

    private static string Name(Type type)
    {
        if (type.IsByRef) return "ref " + Name(type.GetElementType()!);
        if (!type.IsGenericType) return type.Name;

        string arguments = string.Join(", ", type.GetGenericArguments().Select(Name));
        return $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{arguments}>";
    }
}
